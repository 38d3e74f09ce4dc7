// Package system has the kinds of what a host is made of below its services: kernel modules, sysctls, users, packages.
package system
