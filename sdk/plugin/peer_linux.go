package plugin

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// socketPeer reads SO_PEERCRED. For the side that connected these are the
// credentials of the process that called listen.
func socketPeer(fd int) (peer, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return peer{}, fmt.Errorf("read the peer's credentials: %w", err)
	}
	return peer{known: true, uid: int(cred.Uid), pid: int(cred.Pid)}, nil
}
