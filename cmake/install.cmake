# What `cmake --install` puts where. The component `development`: headers, library, CMake package, pkg-config file.
# The component `program`: the bundled model and, if they are built, the program with its manual and completions.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS longhand EXPORT longhand-targets ARCHIVE COMPONENT development)
# What makes models needs OpenMP: a component of the package, for those who ask for it.
if(TARGET longhand_make)
  set_target_properties(longhand_make PROPERTIES EXPORT_NAME make)
  install(TARGETS longhand_make EXPORT longhand-make-targets ARCHIVE COMPONENT development)
endif()
# Headers name one another from the top of the tree, which is include/longhand when installed.
target_include_directories(longhand PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/longhand>)
file(GLOB types RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS engine/types/*.h)
list(REMOVE_ITEM types engine/types/memory_errors.h engine/types/options.h)  # of the library alone
file(GLOB public RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS engine/*.h)
foreach(header ${public} ops/error.h ${types})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/longhand/${folder}
    COMPONENT development)
endforeach()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/longhand)
set(LONGHAND_MODELS ${CMAKE_INSTALL_DATADIR}/longhand/models)
configure_package_config_file(cmake/longhand-config.cmake.in longhand-config.cmake
  INSTALL_DESTINATION ${package} PATH_VARS LONGHAND_MODELS)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(longhand-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/longhand-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/longhand-config-version.cmake DESTINATION ${package} COMPONENT development)
install(EXPORT longhand-targets NAMESPACE longhand:: DESTINATION ${package} COMPONENT development)
if(TARGET longhand_make)
  install(EXPORT longhand-make-targets NAMESPACE longhand:: DESTINATION ${package} COMPONENT development)
endif()

# The way from lib/pkgconfig back to the prefix, so that the whole tree may be moved.
file(RELATIVE_PATH LONGHAND_PC_PREFIX /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
string(REGEX REPLACE "/$" "" LONGHAND_PC_PREFIX ${LONGHAND_PC_PREFIX})
# The C++ library, for programs in C, and threads where they are a library of their own.
set(needed ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES} pthread)
list(FILTER needed INCLUDE REGEX "^(stdc[+][+]|c[+][+]|pthread|m)$")
list(REMOVE_DUPLICATES needed)
list(TRANSFORM needed PREPEND -l)
list(JOIN needed " " LONGHAND_PC_LIBS)
configure_file(cmake/longhand.pc.in longhand.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/longhand.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT development)

install(FILES models/guide/guide-q8_0.gguf DESTINATION ${LONGHAND_MODELS}/guide COMPONENT program)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

if(TARGET longhand_cli)
  install(TARGETS longhand_cli RUNTIME COMPONENT program)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/completions/longhand.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME longhand
    COMPONENT program)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/completions/longhand.zsh
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _longhand COMPONENT program)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/completions/longhand.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT program)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/longhand.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
endif()
