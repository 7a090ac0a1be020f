package demo

import (
	"encoding/hex"
	"fmt"
	"time"
)

// visit is one stay in the shop, from the landing to the order, or to wherever
// the visitor loses interest.
func (v *visitor) visit(s source) {
	v.source = s
	if v.phone != nil {
		v.track("Application Opened", map[string]any{"from_background": v.made > 0, "version": "2.14.0", "build": "214"})
		v.wait(time.Second)
	}
	l := v.shop.languages[v.language]
	switch v.index(5, func(i int) float64 { return [...]float64{42, 26, 14, 10, 8}[i] }) {
	case 0:
		v.land(place{"Home", "/", l.home})
	case 1:
		v.look(v.rng.IntN(len(v.shop.products)), v.land)
	case 2:
		v.land(v.blog())
	case 3:
		v.land(v.category())
	case 4:
		v.land(place{"Pricing", "/pricing", l.pricing})
	}
	if v.chance(0.62 * s.interest) {
		v.wander()
	}
	if len(v.cart) > 0 {
		v.decide()
		v.abandoned = len(v.cart) > 0
	}
	// An account is offered after an order: nobody has to sign up to buy.
	if v.user == "" && (v.at.Equal(v.bought) && v.chance(0.45) || v.chance(0.04*s.interest)) {
		v.signUp()
	}
}

// wander looks around and puts things into the cart.
func (v *visitor) wander() {
	l := v.shop.languages[v.language]
	for range 1 + v.rng.IntN(5) {
		v.wait(28 * time.Second)
		switch v.index(5, func(i int) float64 { return [...]float64{54, 22, 10, 8, 6}[i] }) {
		case 0:
			i := v.rng.IntN(len(v.shop.products))
			v.look(i, v.show)
			if v.chance(0.17 * v.source.interest) {
				v.take(i)
				if v.chance(0.35) {
					return
				}
			}
		case 1:
			v.show(v.category())
		case 2:
			v.show(place{"Pricing", "/pricing", l.pricing})
		case 3:
			v.show(v.blog())
		case 4:
			v.show(place{"About", "/about", l.about})
		}
	}
}

func (v *visitor) blog() place {
	l := v.shop.languages[v.language]
	return place{"Blog", "/blog/" + l.blogSlug, l.blog}
}

func (v *visitor) category() place {
	l := v.shop.languages[v.language]
	if v.chance(0.6) {
		return place{"Category", "/products/teas", l.teas}
	}
	return place{"Category", "/products/teaware", l.teaware}
}

// item is a product as the events of the e-commerce specification describe it.
func (v *visitor) item(i int) map[string]any {
	p := v.shop.products[i]
	return map[string]any{
		"product_id": p.id, "name": p.names[v.language], "category": p.category, "price": euros(p.cents), "quantity": 1, "currency": "EUR",
	}
}

// look opens the page of a product, with show or land.
func (v *visitor) look(i int, open func(place)) {
	p := v.shop.products[i]
	open(place{"Product", "/products/" + p.category + "/" + p.slug, p.names[v.language]})
	v.wait(time.Second)
	v.track("Product Viewed", v.item(i))
}

func (v *visitor) take(i int) {
	v.wait(20 * time.Second)
	v.cart = append(v.cart, i)
	v.track("Product Added", v.item(i))
}

// decide is what happens between a full cart and an order.
func (v *visitor) decide() {
	l := v.shop.languages[v.language]
	v.wait(30 * time.Second)
	switch v.index(5, func(i int) float64 { return [...]float64{44, 29, 11, 9, 7}[i] }) {
	case 1:
		v.track("Cart Viewed", map[string]any{"cart_id": v.uuid("cart"), "value": euros(v.total())})
	case 2:
		last := len(v.cart) - 1
		v.track("Product Removed", v.item(v.cart[last]))
		if v.cart = v.cart[:last]; last == 0 {
			return
		}
	case 3:
		v.track("Coupon Denied", map[string]any{"coupon": "TEE10", "reason": "expired"})
		if v.chance(0.6) {
			return
		}
	case 4:
		v.record("chat", "Live Chat Started", map[string]any{"message": l.question})
		v.wait(2 * time.Minute)
	}
	if v.chance(0.52 * v.source.interest) {
		v.checkOut()
	}
}

// checkOut goes from the cart to the order, if nothing comes between.
func (v *visitor) checkOut() {
	l := v.shop.languages[v.language]
	v.wait(15 * time.Second)
	v.show(place{"Cart", "/cart", l.cart})
	if !v.chance(0.85) {
		return
	}
	v.wait(20 * time.Second)
	v.show(place{"Checkout", "/checkout", l.checkout})
	v.wait(time.Second)
	order := v.order()
	v.track("Checkout Started", order)
	if !v.chance(0.7) {
		return
	}
	v.wait(80 * time.Second)
	v.track("Order Completed", order)
	v.cart = nil
	v.wait(time.Second)
	v.show(place{"Order Confirmation", "/thanks", l.thanks})
	v.bought = v.at
}

func (v *visitor) total() (cents int) {
	for _, i := range v.cart {
		cents += v.shop.products[i].cents
	}
	return cents
}

// order describes the cart. Parcels over 30 euros are sent for free.
func (v *visitor) order() map[string]any {
	products := make([]map[string]any, len(v.cart))
	for n, i := range v.cart {
		products[n] = v.item(i)
	}
	revenue, shipping := v.total(), 390
	if revenue > 3000 {
		shipping = 0
	}
	id := v.id(fmt.Sprintf("order/%d", v.made))
	return map[string]any{
		"order_id": "T" + hex.EncodeToString(id[:5]), "revenue": euros(revenue), "shipping": euros(shipping),
		"total": euros(revenue + shipping), "currency": "EUR", "products": products,
	}
}

// signUp makes the visitor a user. From here on the events carry both ids.
func (v *visitor) signUp() {
	l := v.shop.languages[v.language]
	v.wait(40 * time.Second)
	id := v.id("user")
	v.user = "u-" + hex.EncodeToString(id[:6])
	v.add(Event{Type: "identify", Traits: map[string]any{
		"name": l.nickname, "email": v.user + "@mail.example", "language": l.tag, "newsletter": v.chance(0.7), "createdAt": v.at.Format(timeLayout),
	}})
	v.wait(time.Second)
	v.track("Signed Up", map[string]any{"method": "email"})
}
