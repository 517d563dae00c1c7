# The consumer project against the installed package, and with the source tree inside it.
set(consumer ${PROJECT_BINARY_DIR}/consumer)
set(model ${PROJECT_SOURCE_DIR}/models/guide/guide-q8_0.gguf)
add_test(NAME consumer.install COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --prefix ${consumer}/prefix)

# What our own build is made with, so that ccache knows the objects of the second one.
set(settings -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
  "-DCMAKE_CXX_FLAGS=${CMAKE_CXX_FLAGS}" "-DCMAKE_CXX_FLAGS_RELEASE=${CMAKE_CXX_FLAGS_RELEASE}"
  "-DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}" -DLONGHAND_WERROR=${LONGHAND_WERROR}
  "-DLONGHAND_SANITIZE=${LONGHAND_SANITIZE}" -DLONGHAND_MODEL=${model})
# add_consumer(NAME ARGUMENT...): configures, builds and tests it.
function(add_consumer name)
  add_test(NAME consumer.${name} COMMAND ${CMAKE_CTEST_COMMAND}
    --build-and-test ${CMAKE_CURRENT_SOURCE_DIR}/consumer ${consumer}/${name}
    --build-generator ${CMAKE_GENERATOR} --build-options ${settings} ${ARGN}
    --test-command ${CMAKE_CTEST_COMMAND} --output-on-failure)
endfunction()
add_consumer(package -DCMAKE_PREFIX_PATH=${consumer}/prefix)
# One set of kernels suffices to see that the library is built.
add_consumer(subdirectory -DLONGHAND_SOURCE=${PROJECT_SOURCE_DIR} -DLONGHAND_ISAS=)
add_test(NAME consumer.installed COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/consumer/check_installed ${consumer}/prefix
  ${CMAKE_INSTALL_LIBDIR} ${PROJECT_SOURCE_DIR})

add_test(NAME consumer.script COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/consumer/check_script ${PROJECT_SOURCE_DIR}
  ${PROJECT_BINARY_DIR})
find_program(DPKG_SHLIBDEPS dpkg-shlibdeps)
if(DPKG_SHLIBDEPS)
  add_test(NAME consumer.packages COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/consumer/check_packages ${PROJECT_BINARY_DIR})
  set_tests_properties(consumer.packages PROPERTIES LABELS consumer TIMEOUT 600)
endif()

set_tests_properties(consumer.install PROPERTIES FIXTURES_SETUP installed)
set_tests_properties(consumer.package consumer.installed PROPERTIES FIXTURES_REQUIRED installed)
set_tests_properties(consumer.install consumer.package consumer.subdirectory consumer.installed consumer.script PROPERTIES
  LABELS consumer TIMEOUT 2400)
# Without ccache it compiles the whole library once more.
set_tests_properties(consumer.subdirectory PROPERTIES LABELS "consumer;slow")
