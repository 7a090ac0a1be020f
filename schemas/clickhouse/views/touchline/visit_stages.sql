-- Which stage in the life of a customer a canonical kind of touchpoint belongs to: the
-- one place that says so. Kinds that say nothing about it are not there. Ask it like
-- this, so that it is a constant when the query is planned:
--
--   transform(t.kind, (SELECT kinds FROM touchline.visit_stages), (SELECT stages FROM touchline.visit_stages), '')
CREATE OR REPLACE VIEW touchline.visit_stages AS
SELECT
    arrayFlatten(pairs.2) AS kinds,
    arrayFlatten(arrayMap(pair -> arrayWithConstant(length(pair.2), pair.1), pairs)) AS stages
FROM
(
    SELECT [
        ('awareness', [
            'ad_impression', 'ad_click', 'email_sent', 'email_open', 'email_click', 'push_open', 'sms_click',
            'session_start', 'page_view']),
        ('consideration', [
            'search', 'product_list_view', 'product_view', 'wishlist_add', 'cart_add', 'cart_remove', 'cart_view',
            'lead', 'form_submit', 'download']),
        ('purchase', ['checkout_start', 'checkout_step', 'payment_info', 'order', 'trial_start', 'subscription_start']),
        ('onboarding', ['sign_up', 'onboarding_step', 'activation']),
        ('engagement', [
            'screen_view', 'sign_in', 'sign_out', 'feature_use', 'video_start', 'video_progress', 'video_complete']),
        ('retention', ['subscription_renew', 'subscription_cancel', 'unsubscribe']),
        ('advocacy', ['review', 'share', 'invite', 'referral']),
        ('support', ['support_open', 'support_close', 'message', 'chat', 'call', 'survey', 'refund'])
    ] AS pairs
)
