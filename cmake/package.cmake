# Debian packages of what is installed: longhand has the program, liblonghand-dev library and headers.
#   cmake --build build && cpack --config build/CPackConfig.cmake
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the longhand authors <longhand@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program development)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME longhand)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION misc)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
  "runs GGUF language models on an ordinary CPU.\n The program, its manual, completions, and a very small model to try.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME liblonghand-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS longhand)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
  "library and headers for programs that run GGUF language models.\n Static library, headers in C++ and C, and what CMake and pkg-config need to find them.")
include(CPack)
