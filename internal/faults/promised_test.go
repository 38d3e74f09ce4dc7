package faults

// promised are the faults of reference/executors.md D.4 that have a test: the index fails when one loses it.
var promised = []int{1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 25, 26, 34, 35, 37, 38, 39, 40}
