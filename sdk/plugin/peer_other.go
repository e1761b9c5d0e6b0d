//go:build !linux && !darwin

package plugin

// socketPeer knows nothing here. On Unix the private directory still keeps
// other users out; on Windows there is TLS.
func socketPeer(int) (peer, error) { return peer{}, nil }
