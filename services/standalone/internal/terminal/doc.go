// Package terminal writes numbers, times, texts and tables for people who read them at a
// terminal. It reads and writes nothing itself.
//
// It guarantees that nothing of a text that a client once sent does anything to a
// terminal but show signs, and that columns stand under each other as a terminal shows
// them, in any script.
package terminal
