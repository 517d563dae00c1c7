#include "cli/serve/http/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>

#include "ops/error.h"

namespace longhand::cli {
namespace {

using Context = std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)>;
using Ssl = std::unique_ptr<SSL, decltype(&::SSL_free)>;

std::string last_error() {
  char text[256] = "";
  ::ERR_error_string_n(::ERR_get_error(), text, sizeof text);
  ::ERR_clear_error();
  return text;
}

// In place of OpenSSL's, which asks on the terminal.
int no_passphrase(char*, int, int, void* asked) {
  *reinterpret_cast<bool*>(asked) = true;
  return 0;
}

class OpenSslSession final : public TlsSession {
 public:
  explicit OpenSslSession(SSL_CTX* context) : ssl_(::SSL_new(context), &::SSL_free) {
    if (!ssl_) throw std::bad_alloc();
    in_ = ::BIO_new(::BIO_s_mem());
    out_ = ::BIO_new(::BIO_s_mem());
    if (in_ == nullptr || out_ == nullptr) throw std::bad_alloc();
    ::SSL_set_bio(ssl_.get(), in_, out_);  // which owns them from now on
    ::SSL_set_accept_state(ssl_.get());
  }

  void put(const char* from, std::size_t size) override { ::BIO_write(in_, from, int(size)); }

  ssize_t read(char* to, std::size_t size) override {
    ::ERR_clear_error();
    const int n = ::SSL_read(ssl_.get(), to, int(std::min(size, std::size_t(INT_MAX))));
    if (n > 0) return n;
    return ::SSL_get_error(ssl_.get(), n) == SSL_ERROR_WANT_READ ? 0 : -1;
  }

  bool write(const char* from, std::size_t size) override {
    while (size > 0) {
      ::ERR_clear_error();
      const int n = ::SSL_write(ssl_.get(), from, int(std::min(size, std::size_t(INT_MAX))));
      if (n <= 0) return false;
      from += n;
      size -= std::size_t(n);
    }
    return true;
  }

  std::string take() override {
    std::string bytes(::BIO_ctrl_pending(out_), '\0');
    if (!bytes.empty()) ::BIO_read(out_, bytes.data(), int(bytes.size()));
    return bytes;
  }

  bool pending() const override { return ::SSL_pending(ssl_.get()) > 0 || ::BIO_ctrl_pending(in_) > 0; }
  void close() override { ::SSL_shutdown(ssl_.get()); }

 private:
  Ssl ssl_;
  BIO *in_ = nullptr, *out_ = nullptr;  // of ssl_
};

class OpenSslContext final : public TlsContext {
 public:
  OpenSslContext(const std::string& certificate, const std::string& key)
      : context_(::SSL_CTX_new(::TLS_server_method()), &::SSL_CTX_free) {
    if (!context_) throw std::bad_alloc();
    ::SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    ::SSL_CTX_set_options(context_.get(), SSL_OP_NO_RENEGOTIATION);
    bool encrypted = false;
    ::SSL_CTX_set_default_passwd_cb(context_.get(), no_passphrase);
    ::SSL_CTX_set_default_passwd_cb_userdata(context_.get(), &encrypted);
    if (::SSL_CTX_use_certificate_chain_file(context_.get(), certificate.c_str()) != 1)
      throw Error(Errc::io, fmt::format("{}: no certificate can be read: {}", certificate, last_error()));
    const bool read = ::SSL_CTX_use_PrivateKey_file(context_.get(), key.c_str(), SSL_FILETYPE_PEM) == 1;
    ::SSL_CTX_set_default_passwd_cb_userdata(context_.get(), nullptr);
    if (encrypted)
      throw Error(Errc::unsupported,
                  fmt::format("{}: the key is encrypted, must be without a passphrase", key));
    if (!read)
      throw Error(Errc::io, fmt::format("{}: no key of {} can be read: {}", key, certificate, last_error()));
    if (::SSL_CTX_check_private_key(context_.get()) != 1)
      throw Error(Errc::mismatch, fmt::format("{} is not the key of {}", key, certificate));
  }

  std::unique_ptr<TlsSession> session() const override {
    return std::make_unique<OpenSslSession>(context_.get());
  }

 private:
  Context context_;
};

}  // namespace

std::shared_ptr<const TlsContext> load_tls(const std::string& certificate, const std::string& key) {
  return std::make_shared<OpenSslContext>(certificate, key);
}

}  // namespace longhand::cli
