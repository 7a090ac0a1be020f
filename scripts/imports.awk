# Checks who imports whom. Input, one import a line:
#
#   direct PACKAGE IMPORT    what the package's code and tests import
#   deep   PACKAGE IMPORT    what a program with the package links, tests left out
#
# Prints each forbidden import with the rule it breaks; exits 1 if there is any.

# module names the service or library that a package of ours belongs to.
function module(path,    parts) {
	if (path !~ /^touchline\.dev\//) return ""
	split(path, parts, "/")
	return parts[2] == "services" ? parts[3] : parts[2]
}
function is_service(name) { return name == "collector" || name == "enricher" || name == "scorer" }
function forbid(rule) { print $2 " imports " $3 ": " rule; broken = 1 }

NF != 3 || ($1 != "direct" && $1 != "deep") { print "line " NR " is not understood: " $0; broken = 1; next }

{ from = module($2); to = module($3); lines++ }

# Packages named ...test are helpers of tests. A program that linked one would
# link what it imports, so the rules still hold for programs.
$1 == "deep" && $2 ~ /[a-z]test$/ { next }

$1 == "direct" && from == "schemas" && to != "" && to != "schemas" {
	forbid("the contracts import nothing of ours")
}
$1 == "direct" && from == "internal" && to != "" && to != "internal" && to != "schemas" {
	forbid("shared mechanics know no service")
}
$1 == "direct" && is_service(from) && is_service(to) && from != to {
	forbid("services meet in topics and tables, not in code")
}
$1 == "direct" && is_service(from) && to == "standalone" {
	forbid("standalone is composed of the services and not the reverse")
}
$1 == "deep" && is_service(from) && (to == "standalone" || $3 ~ /^touchline\.dev\/services\/internal\/embedded(\/|$)/ ||
	$3 ~ /\/kfake(\/|$)/ || $3 ~ /\/purego(\/|$)/) {
	forbid("embedded servers are for standalone and tests")
}
$1 == "deep" && (is_service(from) || from == "standalone") && $3 ~ /^touchline\.dev\/services\/internal\/(kafkatest|clickhousetest)(\/|$)/ {
	forbid("test helpers are for tests")
}
$1 == "deep" && is_service(from) && $3 ~ /^github\.com\/segmentio\/kafka-go(\/|$)/ {
	forbid("the second Kafka client is for the operator's commands")
}

END {
	if (!lines) { print "no imports to check"; broken = 1 }
	exit broken
}
