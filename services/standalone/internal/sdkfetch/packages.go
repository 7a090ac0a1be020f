package sdkfetch

// Package is an npm package and the scripts in it.
type Package struct {
	// Name is the SDK's, and the folder of its scripts.
	Name string
	// Spec is what npm is asked for: a package with its version.
	Spec string
	// Integrity is the SHA-512 of the package as npm writes it: sha512-BASE64.
	Integrity string
	// Scripts are the files to take.
	Scripts []Script
}

// Script is a file of a package, or files, and where it goes below the SDK's
// folder.
type Script struct {
	// From is a pattern of package path.
	From string
	// To is a file, or with a slash at its end a folder that keeps the names.
	To string
}

// Packages returns the packages of this release: the versions that the collector
// was tested with. Matomo, Plausible, RudderStack, Snowplow and Umami publish the
// script of their snippet elsewhere, not on npm.
func Packages() []Package {
	return []Package{
		{
			"segment", "@segment/analytics-next@1.84.3",
			"sha512-5l7cPBzScxhfJ0zdcKQI4daDvMIWWUk7hClT1xGRelnHUltIEoQ9w8+ZpFPoWJMpX8D7IA1nVAfJbpiKi3XaKw==",
			[]Script{{"dist/umd/standalone.js", "analytics.min.js"}, {"dist/umd/*.bundle.*.js", "bundles/"}},
		},
		{
			"posthog", "posthog-js@1.449.2",
			"sha512-vji+h92IHaLlFSEnRH1hwe8uLWGOdDUImmPXexj/+V7Xm7HTxIQisYE/Kom7Aaw4DRpzfdhQxiyAN1YVYR4G8Q==",
			[]Script{
				{"dist/array*.js", ""}, {"dist/*recorder*.js", ""}, {"dist/surveys*.js", ""}, {"dist/web-vitals*.js", ""},
				{"dist/exception-autocapture.js", ""}, {"dist/dead-clicks-autocapture.js", ""}, {"dist/tracing-headers.js", ""},
				{"dist/product-tours*.js", ""}, {"dist/conversations.js", ""}, {"dist/logs.js", ""}, {"dist/element-inference.js", ""},
			},
		},
		{
			"mixpanel", "mixpanel-browser@2.83.0",
			"sha512-TuAh1+6iLv5BB4v9D9qS/QAGeDVOv2r78vFNi36Uy/RAYanOXw2ncXDmvq1BKHdV0vtw3K3YgJJ1i03V3U3qkg==",
			[]Script{{"dist/mixpanel.min.js", ""}, {"dist/mixpanel-recorder.min.js", ""}, {"dist/mixpanel-targeting.min.js", ""}},
		},
		{
			"amplitude", "@amplitude/analytics-browser@2.44.0",
			"sha512-p8OdqSE8i04i13+xECdhzwA9Y09sV3ntFY2S7bTnXMpo8nhEPCj4Iga7Zss4hz1HgA70WsTMiHZgRk8oqWx+Mw==",
			[]Script{{"lib/scripts/amplitude-min.js", "analytics-browser.js"}},
		},
		{
			"jitsu", "@jitsu/js@1.11.0",
			"sha512-QSHeXLVYfhyDKKPvFDAmQQfh6bqYinR+t45F4PiT+WhDkQ3igef6xh8X0+vF/Y9Vua3M1Psd70CkyilF6fYxvA==",
			[]Script{{"dist/web/p.js.txt", "p.js"}},
		},
	}
}
