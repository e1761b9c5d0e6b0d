package durable

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Group is a group of users that an access list may name.
type Group struct {
	Name string
	All  bool // everybody, also without a password; else all who have an account
	sid  windows.WELL_KNOWN_SID_TYPE
}

func groups() []Group {
	return []Group{
		{"Everyone", true, windows.WinWorldSid},
		{"ANONYMOUS LOGON", true, windows.WinAnonymousSid},
		{"Guests", true, windows.WinBuiltinGuestsSid},
		{"Authenticated Users", false, windows.WinAuthenticatedUserSid},
		{"Users", false, windows.WinBuiltinUsersSid},
	}
}

// Rights that an access list may give.
const (
	mayRead  = windows.ACCESS_MASK(windows.FILE_READ_DATA | windows.GENERIC_READ | windows.GENERIC_ALL)
	MayWrite = windows.ACCESS_MASK(windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.DELETE | windows.WRITE_DAC | windows.WRITE_OWNER | windows.GENERIC_WRITE | windows.GENERIC_ALL)
)

// GroupsWith returns the groups that have one of the rights to the file or
// directory at path. What a list denies is not looked at: then there is a group
// too many.
func GroupsWith(path string, rights windows.ACCESS_MASK) ([]Group, error) {
	security, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return nil, err
	}
	list, _, err := security.DACL()
	if err != nil {
		return nil, err
	}
	if list == nil { // a file without a list is open to all
		return groups()[:1], nil
	}
	var found []Group
	for _, g := range groups() {
		has, err := allows(list, g, rights)
		if err != nil {
			return nil, err
		}
		if has {
			found = append(found, g)
		}
	}
	return found, nil
}

func allows(list *windows.ACL, g Group, rights windows.ACCESS_MASK) (bool, error) {
	for i := range uint32(list.AceCount) {
		var entry *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &entry); err != nil {
			return false, err
		}
		if entry.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || entry.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0 || entry.Mask&rights == 0 {
			continue
		}
		if sid := (*windows.SID)(unsafe.Pointer(&entry.SidStart)); sid.IsWellKnown(g.sid) {
			return true, nil
		}
	}
	return false, nil
}

// CheckPrivate returns an error if all users can read, or change, the secret at
// path.
func CheckPrivate(path string) error { return CheckRights(path, mayRead|MayWrite) }

// CheckRights returns an error if all users have one of the rights to the file at
// path.
func CheckRights(path string, rights windows.ACCESS_MASK) error {
	open, err := GroupsWith(path, rights)
	if err != nil {
		return err
	}
	if len(open) > 0 {
		return fmt.Errorf("found rights for %s, allowed none (icacls FILE /inheritance:r /grant:r %%USERNAME%%:F)", open[0].Name)
	}
	return nil
}
