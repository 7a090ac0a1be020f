package demo

import "encoding/json"

// site is where the shop lives; the name is reserved for examples.
const site = "https://tea.example"

// shop is everything the visitors can see.
type shop struct {
	languages []language
	products  []product
}

// language is the shop in one language.
type language struct {
	tag, locale, timezone string
	// offset is the difference of the local time to UTC in hours.
	offset float64
	// weight is its share of the visitors.
	weight float64

	home, teas, teaware, pricing, blog, about, cart, checkout, thanks string
	// blogSlug is the last part of the blog's address, as browsers write it.
	blogSlug string

	nickname, question, praise, complaint string
}

// product is something to buy; its names are in the order of the languages.
type product struct {
	id, slug, category string
	cents              int
	names              [5]string
}

func newShop() *shop {
	return &shop{
		languages: []language{
			{tag: "et", locale: "et-EE", timezone: "Europe/Tallinn", offset: 3, weight: 30,
				home: "Teepood", teas: "Teed", teaware: "Teenõud", pricing: "Püsitellimuse hinnad", blog: "Kuidas teed keeta",
				about: "Meist", cart: "Ostukorv", checkout: "Kassa", thanks: "Aitäh tellimuse eest! 🎉",
				blogSlug: "kuidas-teed-keeta", nickname: "Mustikasõber", question: "Millal mu pakk kohale jõuab?",
				praise: "Väga hea tee, jõudis kiiresti!", complaint: "Pakk jõudis katkiselt kohale."},
			{tag: "hu", locale: "hu-HU", timezone: "Europe/Budapest", offset: 2, weight: 24,
				home: "Teabolt", teas: "Teák", teaware: "Teáskészletek", pricing: "Előfizetési árak", blog: "Hogyan főzzünk teát",
				about: "Rólunk", cart: "Kosár", checkout: "Pénztár", thanks: "Köszönjük a rendelést! 🎉",
				blogSlug: "hogyan-f%C5%91zz%C3%BCnk-te%C3%A1t", nickname: "Teázó őszi estéken", question: "Hol jár a csomagom?",
				praise: "Gyönyörű illat, gyors szállítás!", complaint: "A kanna törötten érkezett."},
			{tag: "fa", locale: "fa-IR", timezone: "Asia/Tehran", offset: 3.5, weight: 16,
				home: "فروشگاه چای", teas: "چای\u200cها", teaware: "ظروف چای", pricing: "قیمت اشتراک", blog: "چگونه چای دم کنیم",
				about: "درباره ما", cart: "سبد خرید", checkout: "تسویه حساب", thanks: "از سفارش شما سپاسگزاریم! 🎉",
				blogSlug: "%DA%86%D8%A7%DB%8C", nickname: "دوستدار زعفران", question: "بسته من کی می\u200cرسد؟",
				praise: "عطر زعفران عالی بود 🌸", complaint: "بسته دیر رسید."},
			{tag: "lv", locale: "lv-LV", timezone: "Europe/Riga", offset: 3, weight: 16,
				home: "Tējas veikals", teas: "Tējas", teaware: "Tējas trauki", pricing: "Abonementa cenas", blog: "Kā pagatavot tēju",
				about: "Par mums", cart: "Grozs", checkout: "Kase", thanks: "Paldies par pasūtījumu! 🎉",
				blogSlug: "ka-pagatavot-teju", nickname: "Piparmētru draugs", question: "Kad pienāks mans sūtījums?",
				praise: "Ļoti garšīga tēja, iesaku!", complaint: "Krūzīte bija saplīsusi."},
			{tag: "en", locale: "en-GB", timezone: "Europe/London", offset: 1, weight: 14,
				home: "Tea shop", teas: "Teas", teaware: "Teaware", pricing: "Subscription prices", blog: "How to brew tea",
				about: "About us", cart: "Cart", checkout: "Checkout", thanks: "Thank you for your order! 🎉",
				blogSlug: "how-to-brew-tea", nickname: "Tea fan 🍵", question: "Where is my parcel?",
				praise: "Lovely tea, quick delivery 💚", complaint: "The teapot arrived broken."},
		},
		products: []product{
			{"T-01", "blueberry-tea", "teas", 690, [5]string{"Mustikatee 🫐", "Áfonyatea 🫐", "چای بلوبری 🫐", "Melleņu tēja 🫐", "Blueberry tea 🫐"}},
			{"T-02", "saffron-tea", "teas", 1490, [5]string{"Safranitee", "Sáfrányos tea", "چای زعفرانی", "Safrāna tēja", "Saffron tea"}},
			{"T-03", "peppermint-tea", "teas", 550, [5]string{"Piparmünditee", "Borsmentatea", "چای نعناع", "Piparmētru tēja", "Peppermint tea"}},
			{"T-04", "elderflower-tea", "teas", 720, [5]string{"Leedriõietee", "Bodzavirágtea", "چای گل آقطی", "Plūškoka ziedu tēja", "Elderflower tea"}},
			{"T-05", "honey", "teas", 980, [5]string{"Mesi 🍯", "Méz 🍯", "عسل 🍯", "Medus 🍯", "Honey 🍯"}},
			{"W-01", "teapot", "teaware", 3450, [5]string{"Teekann", "Teáskanna", "قوری", "Tējkanna", "Teapot"}},
			{"W-02", "tea-cup", "teaware", 1290, [5]string{"Teetass ☕", "Teáscsésze ☕", "فنجان چای ☕", "Tējas tase ☕", "Tea cup ☕"}},
			{"W-03", "gift-box", "teaware", 4990, [5]string{"Kinkekarp 🎁", "Ajándékdoboz 🎁", "جعبه هدیه 🎁", "Dāvanu kaste 🎁", "Gift box 🎁"}},
		},
	}
}

// euros writes an amount as a JSON number with two decimals.
func euros(cents int) json.Number {
	digits := []byte{byte('0' + cents/10%10), byte('0' + cents%10)}
	whole, err := json.Marshal(cents / 100)
	if err != nil { // an int always marshals
		panic(err)
	}
	return json.Number(string(whole) + "." + string(digits))
}
