// The C interface: adapters and control vectors.
#include <string>
#include <vector>

#include "engine/api/c/guard.h"
#include "engine/api/c/handles.h"
#include "engine/api/c/options.h"

using namespace longhand;
using namespace longhand::c_api;

struct lh_adapter {
  Adapter adapter;
  AdapterInfo info;  // lh_adapter_info points into it
};

struct lh_control_vector {
  ControlVector vector;
};

namespace {

lh_adapter* handle_of(const Adapter& adapter) { return new lh_adapter{adapter, adapter.info()}; }

ControlUse to_cpp(const lh_control_use& use) {
  ControlUse to{need(use.vector, "vector").vector, use.scale};
  if (use.first_layer != 0 || use.last_layer != 0) {
    to.first_layer = use.first_layer;
    to.last_layer = use.last_layer;
  }
  return to;
}

}  // namespace

AdapterUse longhand::c_api::adapter_use(const lh_adapter_use& from) {
  return {need(from.adapter, "adapter").adapter, from.scale};
}

lh_status lh_adapter_load(const lh_model* model, const char* path, lh_adapter** adapter, lh_error* error) {
  return guarded(error, [&] {
    lh_adapter*& place = place_for(adapter, "adapter");
    place = handle_of(Adapter::load(need(model, "model").model, &need(path, "path")));
  });
}

lh_status lh_adapter_load_memory(const lh_model* model, lh_bytes file, lh_adapter** adapter,
                                 lh_error* error) {
  return guarded(error, [&] {
    lh_adapter*& place = place_for(adapter, "adapter");
    place = handle_of(Adapter::load_memory(need(model, "model").model, bytes_of(file, "file.data")));
  });
}

void lh_adapter_free(lh_adapter* adapter) { delete adapter; }

lh_adapter_info lh_adapter_about(const lh_adapter* adapter) {
  if (adapter == nullptr) return {};
  const AdapterInfo& info = adapter->info;
  return {{info.name.data(), info.name.size()}, info.tensors, info.rank, info.alpha, info.bytes};
}

lh_status lh_control_vector_load(const lh_model* model, const char* path, lh_control_vector** vector,
                                 lh_error* error) {
  return guarded(error, [&] {
    lh_control_vector*& place = place_for(vector, "vector");
    place = new lh_control_vector{ControlVector::load(need(model, "model").model, &need(path, "path"))};
  });
}

lh_status lh_control_vector_load_memory(const lh_model* model, lh_bytes file, lh_control_vector** vector,
                                        lh_error* error) {
  return guarded(error, [&] {
    lh_control_vector*& place = place_for(vector, "vector");
    place = new lh_control_vector{
        ControlVector::load_memory(need(model, "model").model, bytes_of(file, "file.data"))};
  });
}

void lh_control_vector_free(lh_control_vector* vector) { delete vector; }

lh_status lh_session_set_adapters(lh_session* session, const lh_adapter_use* adapters, size_t adapter_count,
                                  const lh_control_use* controls, size_t control_count, lh_error* error) {
  return guarded(error, [&] {
    lh_session& s = need(session, "session");
    std::vector<AdapterUse> uses;
    for (const lh_adapter_use& use : elements(adapters, adapter_count, "adapters"))
      uses.push_back(adapter_use(use));
    std::vector<ControlUse> vectors;
    for (const lh_control_use& use : elements(controls, control_count, "controls"))
      vectors.push_back(to_cpp(use));
    const InUse use(*s.in_use, "session");
    s.session.set_adapters(uses, vectors);
  });
}
