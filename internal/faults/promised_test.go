package faults

// promised are the faults of reference/executors.md D.4 that have a test: the index fails when one loses it.
var promised = []int{1, 8, 10, 11, 14, 15, 20, 25, 26, 40}
