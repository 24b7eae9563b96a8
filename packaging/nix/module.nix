# imports = [ ./module.nix ]; services.facelatch = { enable = true; pam = [ "sudo" "swaylock" ]; };
{ config, lib, pkgs, ... }:

let
  cfg = config.services.facelatch;
  package = pkgs.callPackage ./package.nix { };
  # The face, then whatever asks for the password.
  face = {
    control = "[success=done default=ignore]";
    modulePath = "${package}/lib/security/pam_facelatch.so";
    order = config.security.pam.services.login.rules.auth.unix.order - 10;
  };
in
{
  options.services.facelatch = {
    enable = lib.mkEnableOption "the face-unlock daemon";
    pam = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      description = "PAM services that look for the face before they ask for the password.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ package ];
    environment.etc."facelatch/facelatch.toml".source = "${package}/etc/facelatch/facelatch.toml";
    systemd.packages = [ package ];
    systemd.tmpfiles.packages = [ package ];
    systemd.sockets.facelatchd.wantedBy = [ "sockets.target" ];
    systemd.services.facelatchd.wantedBy = [ "multi-user.target" ];
    users.groups = { facelatch = { }; gpio = { }; };
    users.users.facelatch = {
      isSystemUser = true;
      group = "facelatch";
      extraGroups = [ "video" "gpio" ];
    };
    security.pam.services = lib.genAttrs cfg.pam (_: { rules.auth.facelatch = face; });
  };
}
