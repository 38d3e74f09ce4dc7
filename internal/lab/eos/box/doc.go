// Package box is the process of an emulated switch: the device, its faces, its planes and its Linux, in namespaces of their own.
// Package eos starts it and talks with it over the socket that it is handed; see there for how to use it.
package box
