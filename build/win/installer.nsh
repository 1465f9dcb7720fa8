; Adds the `corral` command to what electron-builder's installer does. WindowsApps is on every user's PATH since Windows 10,
; so no PATH is edited. The stub in it has no path of its own, because a batch file can't hold a user's name in every script;
; it finds the app by CORRAL_HOME, which changes with the folder the user chose.

!macro corralBroadcastEnvironment
  SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=5000
!macroend

!macro corralWriteCommand
  FileOpen $R8 "$LOCALAPPDATA\Microsoft\WindowsApps\corral.cmd" w
  ${IfNot} ${Errors}
    FileWrite $R8 '@"%CORRAL_HOME%\resources\cli\corral.cmd" %*$\r$\n'
    FileClose $R8
    WriteRegExpandStr HKCU "Environment" "CORRAL_HOME" "$INSTDIR"
    !insertmacro corralBroadcastEnvironment
  ${EndIf}
!macroend

!macro customInstall
  ${If} ${isUpdated}
    ; An update keeps what was chosen and follows the app if its folder changed.
    ${If} ${FileExists} "$LOCALAPPDATA\Microsoft\WindowsApps\corral.cmd"
      !insertmacro corralWriteCommand
    ${EndIf}
  ${ElseIf} ${Cmd} `MessageBox MB_YESNO|MB_ICONQUESTION "Make the command $\"corral$\" available in your terminals?" /SD IDYES IDYES`
    !insertmacro corralWriteCommand
  ${EndIf}
!macroend

!macro customUnInstall
  ${IfNot} ${isUpdated}
    ReadRegStr $R8 HKCU "Environment" "CORRAL_HOME"
    ; Not if another copy of Corral has the command now.
    ${If} $R8 == "$INSTDIR"
      Delete "$LOCALAPPDATA\Microsoft\WindowsApps\corral.cmd"
      DeleteRegValue HKCU "Environment" "CORRAL_HOME"
      !insertmacro corralBroadcastEnvironment
    ${EndIf}
  ${EndIf}
!macroend
