// Package crypt encrypts bodies to age recipients, and decrypts them with age
// identities.
//
// A body is what stock age writes: an X25519, ssh-ed25519 or ssh-rsa stanza for
// each recipient, then the payload in chunks of 64 KiB. Each body has a key of its
// own. Nothing that this package returns, errors included, quotes a line of a key
// file: it may be a private key.
package crypt
