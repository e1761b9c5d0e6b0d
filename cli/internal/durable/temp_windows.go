package durable

import (
	"errors"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// openNameless: Windows has no files without a name.
func (*Temp) openNameless(fs.FileMode) *os.File { return nil }

func (t *Temp) link(string) error { return errors.ErrUnsupported }

// SetTime sets the modification time, and that of the last access to now.
func (t *Temp) SetTime(at time.Time) error { return t.root.Chtimes(t.name, time.Now(), at) }

// renameNew renames unless the new name is taken. A file system that folds case
// decides what is taken. Go's own renaming always replaces.
func renameNew(root *os.Root, from, to string) error {
	name, err := windows.UTF16FromString(to)
	if err != nil {
		return err
	}
	name = name[:len(name)-1] // the system wants no NUL
	return inDir(root, from, func(dir, file windows.Handle) error {
		// FILE_RENAME_INFORMATION: whether to replace, the directory, the length of
		// the name in bytes, and the name.
		type rename struct {
			replace bool
			dir     windows.Handle
			size    uint32
			name    [1]uint16
		}
		buffer := make([]byte, unsafe.Sizeof(rename{})+2*uintptr(len(name)))
		r := (*rename)(unsafe.Pointer(&buffer[0]))
		r.dir, r.size = dir, uint32(2*len(name))
		copy(unsafe.Slice(&r.name[0], len(name)), name)
		var status windows.IO_STATUS_BLOCK
		err := windows.NtSetInformationFile(file, &status, &buffer[0], uint32(len(buffer)), windows.FileRenameInformation)
		return plainError(err)
	})
}

// Remove removes a name in root. Go asks for semantics of POSIX, which the name of
// an opened file needs to go at once. A system that does not know them is asked
// for less; Wine 8 is one, and its answer is not among those that Go expects.
func Remove(root *os.Root, name string) error {
	err := root.Remove(name)
	if !errors.Is(err, windows.ERROR_INVALID_FUNCTION) {
		return err
	}
	return inDir(root, name, func(_, file windows.Handle) error {
		remove := byte(1) // FILE_DISPOSITION_INFO
		return windows.SetFileInformationByHandle(file, windows.FileDispositionInfo, &remove, 1)
	})
}

// inDir calls do with the opened directory and the file of a name in it, opened
// to be renamed or removed. A link is not followed.
func inDir(root *os.Root, name string, do func(dir, file windows.Handle) error) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // it was only read
	text, err := windows.NewNTUnicodeString(name)
	if err != nil {
		return err
	}
	attributes := windows.OBJECT_ATTRIBUTES{RootDirectory: windows.Handle(d.Fd()), ObjectName: text, Attributes: windows.OBJ_CASE_INSENSITIVE}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	var file windows.Handle
	var status windows.IO_STATUS_BLOCK
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	const options = windows.FILE_OPEN_REPARSE_POINT | windows.FILE_OPEN_FOR_BACKUP_INTENT | windows.FILE_SYNCHRONOUS_IO_NONALERT
	if err := windows.NtCreateFile(&file, windows.DELETE|windows.SYNCHRONIZE, &attributes, &status, nil, 0, share, windows.FILE_OPEN, options, 0, 0); err != nil {
		return plainError(err)
	}
	defer func() { _ = windows.CloseHandle(file) }() // nothing was written
	return do(attributes.RootDirectory, file)
}

// plainError is err as the error that Go's own calls return.
func plainError(err error) error {
	var status windows.NTStatus
	switch {
	case !errors.As(err, &status):
		return err
	case status == windows.STATUS_OBJECT_NAME_COLLISION:
		return fs.ErrExist
	}
	return status.Errno()
}
