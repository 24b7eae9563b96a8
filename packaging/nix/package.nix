# pkgs.callPackage ./package.nix { }
{ lib, coreutils, rustPlatform }:

rustPlatform.buildRustPackage {
  pname = "facelatch";
  version = "0.1.0";
  src = lib.cleanSource ../..;
  cargoLock.lockFile = ../../Cargo.lock;

  buildPhase = ''
    runHook preBuild
    cargo xtask stage stage
    runHook postBuild
  '';
  # The whole suite looks at /etc and /proc of a Debian.
  doCheck = false;

  installPhase = ''
    runHook preInstall
    mkdir -p $out
    for package in facelatch libpam-facelatch facelatch-door; do
      cp -a stage/$package/usr/. $out
      [ ! -d stage/$package/etc ] || cp -a stage/$package/etc $out
    done
    substituteInPlace $out/lib/systemd/system/*.service --replace-quiet /usr/bin/ $out/bin/
    substituteInPlace $out/lib/systemd/system/facelatchd.service \
      --replace-fail bin/facelatchd "bin/facelatchd --models $out/share/facelatch/models"
    substituteInPlace $out/lib/systemd/system/facelatch-sleep.service \
      --replace-fail /bin/true ${coreutils}/bin/true
    runHook postInstall
  '';

  meta = {
    description = "Face unlock, and a doorkeeper that knows faces";
    license = with lib.licenses; [ mit asl20 ];
    platforms = [ "x86_64-linux" "aarch64-linux" "armv7l-linux" ];
  };
}
