// Python's two ways to format: "%s" % x and "{}".format(x).
#pragma once

#include "engine/chat/jinja/functions/builtins.h"
#include "engine/chat/jinja/value.h"

namespace longhand::jinja {

/// format % arguments; a tuple gives several arguments, a dict named ones.
Value format_percent(Heap& heap, const Value& format, const Value& arguments);
/// format.format(...).
Value format_braces(Render& render, const Value& format, const Arguments& arguments);

}  // namespace longhand::jinja
