// Package storage holds the kinds of the first layer: pools, volumes, file systems, and where they are mounted, now and
// after the next boot.
//
// A mount is known by its device number and by being visible, never by the type of its file system or its place in the
// mount table: production once ran for days on the ZFS folder that had covered the XFS volume of the same path.
package storage
