module touchline.dev/services/scorer

go 1.26.0

require (
	touchline.dev/schemas v0.0.0
	touchline.dev/services/internal v0.0.0
)

replace touchline.dev/schemas => ../../schemas

replace touchline.dev/services/internal => ../internal
