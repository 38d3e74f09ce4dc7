// Package laconic holds the kinds of what laconic-so makes: a deployment's folder, the configuration of its kind cluster, its objects
// in the cluster; and the repositories that it is made from.
package laconic
