module touchline.dev/schemas

go 1.26.0

require (
	github.com/dchest/siphash v1.2.3
	github.com/goccy/go-yaml v1.19.2
	github.com/google/uuid v1.6.0
	google.golang.org/protobuf v1.36.12
	pgregory.net/rapid v1.3.0
)
