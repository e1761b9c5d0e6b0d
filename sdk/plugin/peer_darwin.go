package plugin

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// socketPeer reads LOCAL_PEERCRED and LOCAL_PEERPID. Compiled, not tried.
func socketPeer(fd int) (peer, error) {
	cred, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return peer{}, fmt.Errorf("read the peer's credentials: %w", err)
	}
	pid, err := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID)
	if err != nil {
		return peer{}, fmt.Errorf("read the peer's process: %w", err)
	}
	return peer{known: true, uid: int(cred.Uid), pid: pid}, nil
}
