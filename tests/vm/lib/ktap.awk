# SPDX-License-Identifier: GPL-2.0-or-later
# Reads a result stream, checks and counts the KTAP in it, nested or not.
# Prints "pass TEXT", "fail TEXT", "skip TEXT" for each leaf, and
# "problem TEXT" for a broken stream; nothing for a stream without KTAP.
# Each depth of indentation has its own plan, which its results must meet.

# close_depths(floor): the levels deeper than floor are over.
function close_depths(floor,    d) {
	for (d in plan)
		if (d + 0 > floor)
			finish(d)
	for (d in count)
		if (d + 0 > floor)
			finish(d)
}

function finish(d) {
	if (!(d in plan))
		print "problem results without a plan (1..N)"
	else if (plan[d] != count[d] + 0)
		print "problem the plan is " plan[d] " tests, but " \
			(count[d] + 0) " reported"
	delete plan[d]
	delete count[d]
}

# leaf(kind, text): results below are this one's parts, counted already.
function leaf(kind, text, d) {
	if (parts[d] && !(kind == "fail" && !failed[d]))
		text = ""
	else
		print kind " " text
	if (kind == "fail")
		failed[d - 1] = 1
	parts[d] = 0
	failed[d] = 0
}

function depth_of(line) {
	match(line, /^ */)
	return int((RLENGTH + 3) / 4)
}

{ sub(/\r$/, "") }

/^ *1\.\.[0-9]+/ {
	d = depth_of($0)
	close_depths(d)
	if (d in plan)
		finish(d)
	split($1, part, "[.][.]")
	plan[d] = part[2] + 0
	if (count[d] > 0)	# a plan may also come last
		finish(d)
	else if (plan[d] == 0 && /# *SKIP/) {
		text = $0
		sub(/^.*# *SKIP */, "", text)
		print "skip " (text == "" ? "all" : text)
	} else if (plan[d] == 0)
		print "problem a plan of no tests, and no reason to skip them"
	next
}

/^ *(not )?ok [0-9]+/ {
	d = depth_of($0)
	close_depths(d)
	text = $0
	sub(/^ *(not )?ok /, "", text)
	number = text + 0
	sub(/^[0-9]+ *-? */, "", text)
	count[d]++
	if (number != count[d])
		print "problem result " number " came as number " count[d]
	for (up = 0; up < d; up++)
		parts[up] = 1
	# KTAP's directives: not run, and expected to fail
	if (/# *(SKIP|TODO)/)
		leaf("skip", text, d)
	else if (/^ *not ok/)
		leaf("fail", text, d)
	else
		leaf("pass", text, d)
	next
}

/^ *Bail out!/ { print "problem " $0 }

END { close_depths(-1) }
