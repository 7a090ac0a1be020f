package dedup

import "github.com/cockroachdb/pebble/v2"

// WriteTablesOf makes the indexes of s write a table for every n entries.
func (s *Store) WriteTablesOf(n int) { s.tableEntries = n }

// Abandon releases the index as the end of a killed process does: without writing.
func (x *Index) Abandon() error { return x.rest() }

// Stored returns how many entries of a partition are in tables.
func (s *Store) Stored(partition int32) (n int, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: partitionKey(partition), UpperBound: stateKey(partition)})
	if err != nil {
		return 0, err
	}
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	return n, it.Close()
}

// ForgetState removes the state of a partition and leaves its entries, as they are
// in the stores of the first releases.
func (s *Store) ForgetState(partition int32) error {
	return s.db.Delete(stateKey(partition), pebble.NoSync)
}
