@echo off
rem The corral command of an installed Corral: the app's own program, asked to be the command.
rem Lies in resources\cli. What follows -- is left alone by Chromium.
"%~dp0..\..\Corral.exe" --cli -- %*
exit /b %errorlevel%
