package plugin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc/credentials"
)

// peer is who is at the other end of a Unix socket, as the kernel says.
type peer struct {
	known bool // false: not a Unix socket, or a system that does not say
	uid   int
	pid   int // 0: in a process namespace that is not visible from here
}

// peerCredentials is a transport without encryption that checks who is at the
// other end. On a Unix socket it does what TLS would, more precisely and 25 ms
// faster: the kernel vouches for the peer.
type peerCredentials struct {
	accept func(peer) error // nil accepts all
}

func (c *peerCredentials) ClientHandshake(_ context.Context, _ string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return c.handshake(conn)
}

func (c *peerCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return c.handshake(conn)
}

func (c *peerCredentials) handshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	p, err := peerOf(conn)
	if err == nil && c.accept != nil {
		err = c.accept(p)
	}
	if err != nil {
		_ = conn.Close() // the connection is given up
		return nil, nil, err
	}
	return conn, peerInfo{CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}}, nil
}

// Info names the protocol for gRPC's own diagnostics.
func (c *peerCredentials) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "peercred"}
}

// Clone returns c, which is never changed.
func (c *peerCredentials) Clone() credentials.TransportCredentials { return c }

// OverrideServerName does nothing: there is no name to check.
func (c *peerCredentials) OverrideServerName(string) error { return nil }

type peerInfo struct{ credentials.CommonAuthInfo }

func (peerInfo) AuthType() string { return "peercred" }

// peerOf asks the kernel about the other end of conn.
func peerOf(conn net.Conn) (peer, error) {
	if l, ok := conn.(*watchedConn); ok {
		conn = l.Conn
	}
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return peer{}, nil
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return peer{}, err
	}
	var p peer
	var asked error
	if err := raw.Control(func(fd uintptr) { p, asked = socketPeer(int(fd)) }); err != nil {
		return peer{}, err
	}
	return p, asked
}

// sameUser accepts processes of our own user, and of root, who could do
// anything anyway.
func sameUser(p peer) error {
	if p.known && p.uid != os.Geteuid() && p.uid != 0 {
		return fmt.Errorf("the other end of the socket belongs to user %d, this process to user %d", p.uid, os.Geteuid())
	}
	return nil
}

// inGroup accepts processes of our own user in process group pgid: the program
// that was started, or one that it started, but no other process of this user. The
// exact process would be too strict for wrapper scripts and virtual environments.
func inGroup(p peer, pgid int) error {
	if err := sameUser(p); err != nil || !p.known || p.pid == 0 {
		return err
	}
	group, err := processGroup(p.pid)
	if err != nil {
		return fmt.Errorf("the process that serves the socket is gone: %w", err)
	}
	if group != pgid {
		return errors.New("the socket is served by a process that is not of the program's process group")
	}
	return nil
}

// isHost accepts the process that started this one, whose id is pid (0: not
// told).
func isHost(p peer, pid int) error {
	if err := sameUser(p); err != nil || !p.known || p.pid == 0 || pid == 0 {
		return err
	}
	if p.pid != pid {
		return fmt.Errorf("process %d is not the host that started this backend", p.pid)
	}
	return nil
}
