package crypt

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// nonceSize is that of the nonce before the chunks of an age file, in bytes.
const nonceSize = 16

// lastChunk is the nonce of the first chunk of a payload that is its last, too.
var lastChunk = [chacha20poly1305.NonceSize]byte{chacha20poly1305.NonceSize - 1: 1}

// seal writes the age file of plain, which has at most [smallBody] bytes, to w.
func (k *sharedKey) seal(w io.Writer, plain []byte) error {
	body := make([]byte, len(k.header)+nonceSize, len(k.header)+nonceSize+len(plain)+chacha20poly1305.Overhead)
	nonce := body[copy(body, k.header):]
	rand.Read(nonce) // it does not fail
	payload, err := payloadCipher(k.fileKey, nonce)
	if err != nil {
		return err
	}
	_, err = w.Write(payload.Seal(body, lastChunk[:], plain, nil))
	return err
}

// split returns the header of an age file, which ends with the line of its MAC, and
// what follows; nil if there is none. No other line begins like that one.
func split(body []byte) (header, payload []byte) {
	mac := bytes.Index(body, []byte("\n--- "))
	if mac < 0 {
		return nil, nil
	}
	mac++
	end := bytes.IndexByte(body[mac:], '\n')
	if end < 0 {
		return nil, nil
	}
	end += mac + 1
	return body[:end], body[end:]
}

// open appends what is encrypted in payload, a nonce and one chunk, to dst.
func open(dst, fileKey, payload []byte) (plain []byte, ok bool) {
	if len(payload) < nonceSize || len(payload) > nonceSize+smallBody+chacha20poly1305.Overhead {
		return nil, false
	}
	chunk, err := payloadCipher(fileKey, payload[:nonceSize])
	if err != nil {
		return nil, false
	}
	plain, err = chunk.Open(dst, lastChunk[:], payload[nonceSize:], nil)
	return plain, err == nil
}

// payloadCipher is what encrypts one payload. Its key follows from the file key and a
// nonce that is drawn for each body, so no two bodies are encrypted with the same one.
func payloadCipher(fileKey, nonce []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, fileKey, nonce, "payload", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	return chacha20poly1305.New(key)
}
