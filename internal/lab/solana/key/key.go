// Package key is Solana's form of keys: base58 in text, 64 numbers in a file.
package key

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
)

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// Base58 writes bytes as Bitcoin and Solana do: a number in base 58, each leading zero byte as a 1.
func Base58(b []byte) string {
	n, base, digit := new(big.Int).SetBytes(b), big.NewInt(58), new(big.Int)
	var text []byte
	for n.Sign() > 0 {
		n.DivMod(n, base, digit)
		text = append(text, alphabet[digit.Int64()])
	}
	for _, zero := range b {
		if zero != 0 {
			break
		}
		text = append(text, alphabet[0])
	}
	for i, j := 0, len(text)-1; i < j; i, j = i+1, j-1 {
		text[i], text[j] = text[j], text[i]
	}
	return string(text)
}

// Hash is a hash in base58 that follows from a text, such as a snapshot's from its slots.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return Base58(sum[:])
}

// Read returns the public key of a key file: a JSON array of 64 numbers, the seed and the public key.
func Read(file string) (pubkey string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var numbers []byte
	var wide []int
	if err := json.Unmarshal(text, &wide); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	for _, n := range wide {
		numbers = append(numbers, byte(n))
	}
	if len(numbers) != ed25519.PrivateKeySize {
		return "", fmt.Errorf("%s: %d numbers, want %d", file, len(numbers), ed25519.PrivateKeySize)
	}
	return Base58(ed25519.PrivateKey(numbers).Public().(ed25519.PublicKey)), nil
}

// Write makes a key file, mode 0600, and returns its public key. It follows from the seed; without one it is random, as
// solana-keygen new has it. A file that exists is an error.
func Write(file, seed string) (pubkey string, err error) {
	sum := sha256.Sum256([]byte(seed))
	if seed == "" {
		if _, err := rand.Read(sum[:]); err != nil {
			return "", err
		}
	}
	private := ed25519.NewKeyFromSeed(sum[:])
	numbers := make([]int, len(private))
	for i, b := range private {
		numbers[i] = int(b)
	}
	text, err := json.Marshal(numbers)
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	if _, err := f.Write(text); err != nil {
		f.Close()
		return "", err
	}
	return Base58(private.Public().(ed25519.PublicKey)), f.Close()
}
