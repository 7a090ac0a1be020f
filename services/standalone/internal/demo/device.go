package demo

// browser is a browser on a device.
type browser struct {
	userAgent string
	weight    float64
}

func browsers() []browser {
	return []browser{
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36", 27},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1", 22},
		{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36", 21},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15", 10},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0", 7},
		{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36", 5},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", 5},
		{"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1", 3},
	}
}

// crawler is the user agent of a search engine's robot, which runs the scripts of
// a page and so the SDK.
const crawler = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/141.0.0.0 Safari/537.36"

// phone is a phone with the shop's app.
type phone struct {
	userAgent   string
	library, os Library
	device      Device
	weight      float64
}

func phones() []phone {
	return []phone{
		{"TeaShop/214 CFNetwork/3826.600.41 Darwin/24.6.0", Library{"analytics-ios", "4.1.8"}, Library{"iOS", "18.6"},
			Device{"ios", "Apple", "iPhone16,1"}, 55},
		{"Dalvik/2.1.0 (Linux; U; Android 15; Pixel 9 Build/AP4A.250205.002)", Library{"analytics-android", "4.11.3"}, Library{"Android", "15"},
			Device{"android", "Google", "Pixel 9"}, 45},
	}
}
