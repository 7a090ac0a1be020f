// Package cohorts holds the tests of the views about persons over time: retention,
// life cycle, stickiness, active users, daily metrics, the north star, time to value
// and onboarding. Each is held against the reference in package analytics, on the
// vectors in testdata and on random streams.
package cohorts
