// Package scorer is the service that knows people. It reads the dense log
// touchpoints.enriched.v1, folds stored events into fragments of persons, turns
// the fragments of a person into a profile with a lead score and a stage of the
// life cycle, and lands those in the ClickHouse tables profiles and scores.
//
//	enriched[p] --fold--> fragments[p]  snapshots, to start again from
//	                 \--> persons[hash(person)]  the same, where a person meets
//	persons[q]  --score--> scores[q]
//	scores[q]   --land---> profiles, scores
//
// # Exactly once
//
// No step counts: each publishes what it knows, and knowing it twice is the same
// as knowing it once. The argument, step by step:
//
// A fragment at stamp s is the fold of exactly its events with raw offsets up to
// s. Which record of the dense log counts for a raw offset follows from the log
// and the mark alone, so whoever folds it, and how often, gets the same fragment
// at the same stamp. Of two snapshots of a fragment the higher stamp is the later
// truth; a lower one, however late it is written, says nothing new.
//
// An offset of the dense log is committed only when every fragment that an event
// before it touched has been acknowledged in fragments and then in persons. So:
//
//   - Killed before anything was published: the events are read again from the
//     committed offset.
//   - Killed between fragments and persons, or after both and before the commit:
//     the fragment is restored with its stamp. Events up to the stamp are read
//     again and not applied again, but they mark the fragment as touched, so it
//     reaches persons before the offset moves.
//   - Killed after the commit: nothing is missing.
//
// A worker that was replaced and does not know it yet (a zombie) may still write.
// Keys hold the epoch of their writer, so it overwrites no key but its own, and
// compaction cannot leave its late snapshot in the place of a newer one. The
// epoch grows with each takeover by a commit of the group, under its fence,
// before the snapshots are restored. A worker removes keys only of lower epochs:
// their owners' last accepted commit came before its own, and what that commit
// relied on was in the log when it read it. It removes them after its own
// snapshot of the fragment was acknowledged, in persons first, because a
// successor finds old keys in fragments. Restoring goes on until the end of the
// log stands still: then every key's last value was passed, whatever compaction
// took away meanwhile.
//
// The profile of a person is a pure function of the set of its fragments and of
// the append time of the record that completed it, and its version is that
// record's offset plus one. A worker that scores starts with all that its
// partition of persons holds, and answers the records between its committed
// offset and that end as one batch: one profile for each person, at the last of
// its records. It is the profile that was, or would have been, made there the
// first time. Persons commits after its scores are acknowledged, so a kill
// repeats equal versions, never leaves one out, and the tables keep the highest
// version of a person: an old one that is written late changes nothing.
//
// Offsets are only meaningful with their logs. The metadata of each commit names
// the ids of the topics read and written; when one was deleted and made again,
// when offsets were lost although snapshots exist, or when records expired
// before they were read, the service stops with a named error. Nothing is reset
// by itself.
//
// # The way back
//
// `touchline reset` writes commits to go on from. What this service does with them:
//
// Raw was made again, so that its offsets begin anew. The commit has a turn: the
// place in the dense log from which on records answer the new log. Before it the
// old marks and stamps hold; a worker that comes there starts again in the next
// generation, which is the upper half of the epoch. A stamp is a generation and
// then an offset, so events of the new log are behind everything of the old one,
// fragments keep what they have, and repeating either side of the turn changes
// nothing.
//
// Fragments or persons were lost, or the offset up to which they reach. Both topics
// begin anew, and the commit says to rebuild: the worker folds the rows of
// touchpoints of its partition, those of the present raw log up to the mark and
// all of the logs before, publishes the fragments, and commits the next generation
// without that word. Which rows these are does not change any more, so a rebuild
// that was killed gives the same snapshots when it is repeated. The mark is that of
// the landing, so the rows up to it are all there. A profile's version then has a
// higher generation than any in ClickHouse, in the bits above the offset.
//
// # What it does not do
//
// A profile is made when something is known that was not known before. Nobody
// is scored anew because time passes or because the rules changed: both show with
// the person's next event. New names in the rules are counted from then on.
//
// # Memory
//
// The state of owned partitions is in memory, twice: once by device for folding,
// once by person for scoring, each as the bytes of the last snapshot. The snapshot
// of a typical web visitor takes about 480 bytes; with its keys and bookkeeping
// 850 in folding and, with one device, 710 in scoring (the tests named
// TestMemory hold these figures). So a million visitors take about 1.6 GB in a
// process that owns everything. A snapshot is at most 64 KiB: 64 names of events,
// 64 first times, 22 traits and 64 days.
//
// The number of fragments is not bounded, it is that of (person, device) pairs
// ever seen: watch touchline_scorer_fragment_bytes and
// touchline_scorer_person_bytes, and add processes to share the partitions. A
// profile costs in proportion to the fragments of its person.
package scorer
