package lifecycle_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("LIFECYCLE_PANIC") != "" {
		panicInComponent()
		fmt.Println("the panic was swallowed")
		return
	}
	goleak.VerifyTestMain(m)
}
