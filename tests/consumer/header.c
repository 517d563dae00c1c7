#include "engine/longhand_c.h" /* in a C11 program, alone */
