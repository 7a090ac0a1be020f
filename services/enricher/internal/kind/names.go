package kind

// entry is names of one kind, of one published specification or habit.
type entry struct {
	kind  string
	names []string
}

// names returns the names that are known. To add one, put it where it belongs and
// run the tests: no name may stand twice, and testdata/names.txt wants an example
// of every kind. Names of a specification that mean no kind of ours stand at
// custom, so that it can be seen that they were considered.
func names() []entry {
	return append(append(shop(), lifecycle()...), rest()...)
}

// shop is the way to an order.
func shop() []entry {
	return []entry{
		// Segment and RudderStack, e-commerce
		{"search", []string{"Products Searched"}},
		{"product_list_view", []string{"Product List Viewed", "Product List Filtered"}},
		{"product_view", []string{"Product Viewed"}},
		{"wishlist_add", []string{"Product Added to Wishlist"}},
		{"cart_add", []string{"Product Added", "Wishlist Product Added to Cart"}},
		{"cart_remove", []string{"Product Removed"}},
		{"cart_view", []string{"Cart Viewed"}},
		{"checkout_start", []string{"Checkout Started"}},
		{"checkout_step", []string{"Checkout Step Viewed", "Checkout Step Completed"}},
		{"payment_info", []string{"Payment Info Entered"}},
		{"order", []string{"Order Completed"}},
		{"refund", []string{"Order Refunded"}},
		{"share", []string{"Product Shared", "Cart Shared"}},
		{"review", []string{"Product Reviewed"}},
		{Custom, []string{
			"Product Clicked", "Product Removed from Wishlist", "Promotion Viewed", "Promotion Clicked", "Order Updated", "Order Cancelled",
			"Coupon Entered", "Coupon Applied", "Coupon Denied", "Coupon Removed",
		}},
		// GA4, recommended
		{"search", []string{"view_search_results"}},
		{"product_list_view", []string{"view_item_list"}},
		{"product_view", []string{"view_item"}},
		{"wishlist_add", []string{"add_to_wishlist"}},
		{"cart_add", []string{"add_to_cart"}},
		{"cart_remove", []string{"remove_from_cart"}},
		{"cart_view", []string{"view_cart"}},
		{"checkout_start", []string{"begin_checkout"}},
		{"checkout_step", []string{"add_shipping_info"}},
		{"payment_info", []string{"add_payment_info"}},
		{"order", []string{"purchase", "in_app_purchase", "ecommerce_purchase"}},
		{"refund", []string{"app_store_refund"}},
		{Custom, []string{"select_item", "select_promotion", "view_promotion", "select_content", "earn_virtual_currency", "spend_virtual_currency"}},
		// Snowplow: events of their own, and actions of snowplow_ecommerce_action
		{"order", []string{"transaction"}},
		{"product_list_view", []string{"list_view"}},
		{Custom, []string{"transaction_item", "trns_error", "list_click", "promo_view", "promo_click"}},
		// Matomo
		{"cart_add", []string{"Cart Updated"}},
		// Amplitude's event of a revenue without a name
		{"order", []string{"revenue_amount"}},
		// pixels of Shopify
		{"search", []string{"search_submitted"}},
		{"product_list_view", []string{"Collection Viewed"}},
		{"cart_add", []string{"product_added_to_cart"}},
		{"cart_remove", []string{"product_removed_from_cart"}},
		{"payment_info", []string{"payment_info_submitted"}},
		{"checkout_step", []string{"checkout_contact_info_submitted", "checkout_address_info_submitted", "checkout_shipping_info_submitted"}},
		{"order", []string{"checkout_completed"}},
		// webhooks of Shopify and Stripe
		{"order", []string{"orders/create", "checkout.session.completed"}},
		{"refund", []string{"refunds/create", "charge.refunded"}},
		{"checkout_start", []string{"checkouts/create"}},
		{"subscription_start", []string{"customer.subscription.created"}},
		{"subscription_cancel", []string{"customer.subscription.deleted"}},
		// the same in other words
		{"search", []string{"Searched", "Search Performed", "site_search"}},
		{"product_view", []string{"Item Viewed", "Viewed Product", "View Product", "View Content"}},
		{"wishlist_add", []string{"Added to Wishlist"}},
		{"cart_add", []string{"Added to Cart", "Item Added to Cart", "Item Added", "Add Product"}},
		{"cart_remove", []string{"Removed from Cart", "Item Removed from Cart", "Item Removed"}},
		{"cart_view", []string{"Viewed Cart"}},
		{"checkout_start", []string{"Started Checkout", "Initiate Checkout", "Checkout Initiated", "Checkout"}},
		{"order", []string{"Order Placed", "Placed Order", "Ordered", "Purchased", "Purchase Completed", "Completed Purchase"}},
		{"refund", []string{"Refunded", "Refund Issued"}},
	}
}

// lifecycle is accounts, subscriptions, and what people do with a product.
func lifecycle() []entry {
	return []entry{
		// Segment, B2B and mobile
		{"sign_up", []string{"Signed Up"}},
		{"sign_in", []string{"Signed In"}},
		{"sign_out", []string{"Signed Out"}},
		{"invite", []string{"Invite Sent"}},
		{"trial_start", []string{"Trial Started"}},
		{"session_start", []string{"Application Opened"}},
		{"push_open", []string{"Push Notification Tapped"}},
		{"error", []string{"Application Crashed"}},
		{Custom, []string{
			"Account Created", "Account Deleted", "Account Added User", "Account Removed User", "Trial Ended",
			"Application Installed", "Application Updated", "Application Uninstalled", "Application Backgrounded", "Application Foregrounded",
			"Push Notification Received", "Push Notification Bounced", "Install Attributed", "Deep Link Opened", "Deep Link Clicked",
		}},
		// GA4
		{"sign_in", []string{"login"}},
		{"onboarding_step", []string{"tutorial_begin", "tutorial_complete"}},
		{"lead", []string{"generate_lead"}},
		{"subscription_start", []string{"app_store_subscription_convert"}},
		{"subscription_renew", []string{"app_store_subscription_renew"}},
		{"subscription_cancel", []string{"app_store_subscription_cancel"}},
		{"push_open", []string{"notification_open"}},
		{"error", []string{"app_exception"}},
		{"download", []string{"file_download"}},
		{Custom, []string{
			"qualify_lead", "disqualify_lead", "working_lead", "close_convert_lead", "close_unconvert_lead",
			"join_group", "level_start", "level_end", "level_up", "post_score", "unlock_achievement",
			"first_open", "first_visit", "user_engagement", "scroll", "click", "form_start", "app_remove", "app_update", "os_update",
			"notification_receive", "notification_dismiss", "notification_foreground", "session_end",
		}},
		// PostHog
		{"error", []string{"$exception"}},
		{"feature_use", []string{"$feature_view", "$feature_interaction"}},
		{"consent", []string{"$opt_in"}},
		{"survey", []string{"survey sent"}},
		{"sign_up", []string{"user signed up"}},
		{"sign_in", []string{"user logged in"}},
		{"sign_out", []string{"user logged out"}},
		{Custom, []string{
			"$autocapture", "$rageclick", "$dead_click", "$pageleave", "$web_vitals", "$feature_flag_called", "$set_once",
			"Application Became Active", "survey shown", "survey dismissed",
		}},
		// Amplitude
		{"session_start", []string{"[Amplitude] Application Opened"}},
		{"form_submit", []string{"[Amplitude] Form Submitted"}},
		{"download", []string{"[Amplitude] File Downloaded"}},
		{"error", []string{"[Amplitude] Error Logged"}},
		{Custom, []string{
			"[Amplitude] Form Started", "[Amplitude] Element Clicked", "[Amplitude] Element Changed", "[Amplitude] Application Installed",
			"[Amplitude] Application Updated", "[Amplitude] Application Backgrounded", "[Amplitude] Deep Link Opened", "[Amplitude] Network Request",
		}},
		// Mixpanel
		{"session_start", []string{"$session_start", "$app_open"}},
		{Custom, []string{"$session_end", "$ae_session", "$ae_first_open", "$ae_updated", "$mp_click", "$mp_scroll", "$mp_page_leave"}},
		// the same in other words
		{"sign_up", []string{"Sign Up Completed", "User Registered", "Registered", "Registration Completed", "Complete Registration"}},
		{"sign_in", []string{"Logged In", "Log In"}},
		{"sign_out", []string{"Logged Out", "Log Out"}},
		{"activation", []string{"Activated", "User Activated", "Account Activated"}},
		{"onboarding_step", []string{"Onboarding Started", "Onboarding Step Completed", "Onboarding Completed"}},
		{"feature_use", []string{"Feature Used"}},
		{"trial_start", []string{"Start Trial", "Free Trial Started"}},
		{"subscription_start", []string{"Subscription Started", "Subscription Created"}},
		{"subscription_renew", []string{"Subscription Renewed"}},
		{"subscription_cancel", []string{"Subscription Cancelled", "Subscription Canceled", "Subscription Ended"}},
		{"invite", []string{"Invited User", "User Invited", "Invitation Sent"}},
		{"referral", []string{"Referral Sent", "Friend Referred", "Referred Friend"}},
		{"lead", []string{"Lead Created", "Lead Generated", "Demo Requested", "Request Demo", "Contact Requested"}},
	}
}

// rest is pages, media, advertising, messages, support.
func rest() []entry {
	return []entry{
		// Snowplow
		{"form_submit", []string{"submit_form"}},
		{"share", []string{"social_interaction"}},
		{"error", []string{"application_error"}},
		{"consent", []string{"consent_preferences", "consent_granted", "consent_withdrawn"}},
		{"video_start", []string{"play_event"}},
		{"video_progress", []string{"percent_progress_event"}},
		{"video_complete", []string{"end_event"}},
		{Custom, []string{
			"page_ping", "link_click", "change_form", "focus_form", "timing", "ad_conversion", "screen_end", "screen_summary",
			"application_install", "application_foreground", "application_background", "ready_event", "pause_event", "cmp_visible",
		}},
		// Matomo, Plausible, Umami
		{"download", []string{"File Download"}},
		{"form_submit", []string{"Form: Submission"}},
		{"error", []string{"404"}},
		{Custom, []string{
			"outlink", "content_impression", "content_interaction", "ping", "custom_action",
			"Outbound Link: Click", "Cloaked Link: Click", "engagement", "performance",
		}},
		{"page_view", []string{"pageview", "Page Viewed", "Viewed Page"}},
		{"screen_view", []string{"Screen Viewed", "Viewed Screen"}},
		// Segment, video
		{"video_start", []string{"Video Playback Started"}},
		{"video_progress", []string{"Video Content Playing"}},
		{"video_complete", []string{"Video Playback Completed"}},
		{"ad_impression", []string{"Video Ad Started"}},
		{"ad_click", []string{"Video Ad Clicked"}},
		{Custom, []string{
			"Video Playback Paused", "Video Playback Interrupted", "Video Playback Buffer Started", "Video Playback Buffer Completed",
			"Video Playback Seek Started", "Video Playback Seek Completed", "Video Playback Resumed", "Video Playback Exited",
			"Video Content Started", "Video Content Completed", "Video Ad Playing", "Video Ad Completed", "Video Quality Updated",
		}},
		// GA4
		{Custom, []string{"ad_exposure", "ad_query", "ad_reward"}},
		// Segment, e-mail and live chat
		{"email_sent", []string{"Email Delivered"}},
		{"email_open", []string{"Email Opened"}},
		{"email_click", []string{"Email Link Clicked"}},
		{"unsubscribe", []string{"Unsubscribed"}},
		{"chat", []string{"Live Chat Conversation Started"}},
		{"message", []string{"Live Chat Message Sent", "Live Chat Message Received"}},
		{Custom, []string{"Email Bounced", "Email Marked as Spam", "Live Chat Conversation Ended"}},
		{"consent", []string{"Segment Consent Preference"}},
		// the same in other words
		{"ad_impression", []string{"Ad Viewed"}},
		{"ad_click", []string{"Ad Clicked"}},
		{"email_click", []string{"Email Clicked", "Clicked Email"}},
		{"email_open", []string{"Opened Email"}},
		{"unsubscribe", []string{"Email Unsubscribed"}},
		{"push_open", []string{"Push Opened", "Push Notification Opened", "Push Clicked", "Notification Clicked", "Notification Opened"}},
		{"sms_click", []string{"SMS Clicked", "SMS Link Clicked", "Text Message Link Clicked"}},
		{"message", []string{"Message Sent", "Message Received"}},
		{"chat", []string{"Chat Started", "Live Chat Started"}},
		{"call", []string{"Phone Call", "Call Started", "Call Completed"}},
		{"support_open", []string{"Ticket Created", "Ticket Opened", "Support Ticket Created", "Support Ticket Opened", "Case Created"}},
		{"support_close", []string{"Ticket Closed", "Ticket Solved", "Support Ticket Closed", "Support Ticket Solved", "Case Closed"}},
		{"survey", []string{"Survey Submitted", "Survey Completed", "Survey Answered", "NPS Submitted", "NPS Survey Answered"}},
		{"review", []string{"Review Submitted", "Review Posted"}},
		{"share", []string{"Shared", "Content Shared"}},
		{"form_submit", []string{"Form Submitted"}},
		{"download", []string{"File Downloaded", "Downloaded"}},
		{"consent", []string{"Consent Given", "Consent Granted", "Consent Updated", "Consent Withdrawn"}},
		{"error", []string{"Error Occurred", "Error Logged", "Exception"}},
	}
}
