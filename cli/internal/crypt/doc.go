// Package crypt encrypts bodies to age recipients, and decrypts them with age
// identities.
//
// A body is what stock age reads: an X25519, ssh-ed25519 or ssh-rsa stanza for
// each recipient, then the payload in chunks of 64 KiB. Small bodies share a file key
// and the header in which age has wrapped it, which the age specification forbids:
// docs/decisions says why it is done and what it means. Large ones are age's own.
// Nothing that this package returns, errors included, quotes a line of a key
// file: it may be a private key.
package crypt
