// The page at "/", which is made of the files in cli/serve/page.
#pragma once

#include "cli/serve/http/http.h"

namespace longhand::cli {

/// Scripts and styles of the page carry a nonce in place of the word NONCE; no others run.
HttpReply page_reply();

}  // namespace longhand::cli
