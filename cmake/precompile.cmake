# precompile(TARGET HEADER...): what most sources of a target include is parsed once; tests compile three times as fast.
# A source still includes all it needs. CMAKE_DISABLE_PRECOMPILE_HEADERS does without. CLI11 is nothing to precompile: it
# would leave its virtual functions in each object.
function(precompile target)
  if(CMAKE_DISABLE_PRECOMPILE_HEADERS)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE ${ARGN})
  # What ccache needs to know such objects again. gcc 12 takes what it inlines of a precompiled header for code of ours, and
  # sees its strings beyond their bounds.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow
      -Wno-stringop-overread)
  else()
    target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
  if(CCACHE)
    set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;${CCACHE}")
  endif()
endfunction()
