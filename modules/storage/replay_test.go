package storage_test

import (
	"testing"

	"bisc/modules/kindtest"
	"bisc/modules/storage"
)

// TestReplay reads what lab hosts have answered; the unknown ones are made of those by hand.
func TestReplay(t *testing.T) {
	kindtest.Replay(t, "testdata/*.txtar", storage.ZpoolKind, storage.ZvolKind, storage.ZFSDatasetKind, storage.FilesystemKind,
		storage.RamdiskKind, storage.MountKind, storage.BindKind, storage.TmpfsKind, storage.DirectoryKind)
}
