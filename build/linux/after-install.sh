#!/bin/bash
# Runs as root after the deb or the rpm is unpacked. ${executable} and ${sanitizedProductName} are filled in by
# electron-builder. It follows electron-builder's own after-install.tpl, except that /usr/bin/corral is the command and not
# the app.

if type update-alternatives >/dev/null 2>&1; then
  if [ -L '/usr/bin/${executable}' ] && [ "$(readlink '/usr/bin/${executable}')" != '/etc/alternatives/${executable}' ]; then
    rm -f '/usr/bin/${executable}'
  fi
  update-alternatives --install '/usr/bin/${executable}' '${executable}' '/opt/${sanitizedProductName}/resources/cli/corral' 100 ||
    ln -sf '/opt/${sanitizedProductName}/resources/cli/corral' '/usr/bin/${executable}'
else
  ln -sf '/opt/${sanitizedProductName}/resources/cli/corral' '/usr/bin/${executable}'
fi

# Chromium's SUID sandbox, only where the kernel gives users no namespaces of their own.
if ! { [[ -L /proc/self/ns/user ]] && unshare --user true; } 2>/dev/null; then
  chmod 4755 '/opt/${sanitizedProductName}/chrome-sandbox' || true
else
  chmod 0755 '/opt/${sanitizedProductName}/chrome-sandbox' || true
fi

if hash update-desktop-database 2>/dev/null; then
  update-desktop-database /usr/share/applications || true
fi

# Ubuntu 24.04 and later let only programs with a profile have user namespaces. A profile that this AppArmor does not
# understand (Ubuntu 22.04) is not needed there.
if apparmor_status --enabled >/dev/null 2>&1; then
  profile='/opt/${sanitizedProductName}/resources/apparmor-profile'
  target='/etc/apparmor.d/${executable}'
  if apparmor_parser --skip-kernel-load --debug "$profile" >/dev/null 2>&1; then
    cp -f "$profile" "$target"
    if ! { [ -x /usr/bin/ischroot ] && /usr/bin/ischroot; }; then
      apparmor_parser --replace --write-cache --skip-read-cache "$target" || true
    fi
  fi
fi

exit 0
