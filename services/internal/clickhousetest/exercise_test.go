package clickhousetest

import "testing"

func TestExercise(t *testing.T) { Exercise(t, Start(t)) }
