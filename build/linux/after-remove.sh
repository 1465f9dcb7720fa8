#!/bin/bash
# Runs as root after the deb or the rpm is removed; the counterpart of after-install.sh. Users' data stays.

# An update of an rpm runs this after the new version's after-install, with what is left installed as first argument.
case "${1:-}" in
  upgrade | 1) exit 0 ;;
esac

if type update-alternatives >/dev/null 2>&1; then
  update-alternatives --remove '${executable}' '/opt/${sanitizedProductName}/resources/cli/corral' || true
else
  rm -f '/usr/bin/${executable}'
fi

profile='/etc/apparmor.d/${executable}'
if [ -f "$profile" ]; then
  if apparmor_status --enabled >/dev/null 2>&1 && ! { [ -x /usr/bin/ischroot ] && /usr/bin/ischroot; }; then
    apparmor_parser --remove "$profile" || true
  fi
  rm -f "$profile"
fi

exit 0
