// Both headers in one C++20 program.
#include "engine/longhand.h"
#include "engine/longhand_c.h"
