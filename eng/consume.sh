#!/usr/bin/env bash
# Uses the packages as a stranger would: packs both libraries, looks at what is in them, makes a new console application outside the
# repository, adds the packages from a local folder, and runs the program of the readme (it trains and samples) every way: by dotnet
# run, published portable, published self-contained, and with a libtorch from elsewhere. Without a libtorch every way into the library
# must refuse with advice. Prints one line a check; exits 1 if one failed.
#
#   eng/consume.sh            everything is made in a temporary folder and removed afterwards
set -uo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/diffusion-consume.XXXXXX")
trap 'rm -rf "$work"' EXIT

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1
version="0.1.0-consume.$(date +%s)"
remote=https://github.com/example/diffusion.git
torchsharp=$(sed -n 's/.*PackageVersion Include="TorchSharp-cpu" Version="\([^"]*\)".*/\1/p' "$repository/Directory.Packages.props")

failures=0
check() { # check NAME EXPECTED-TEXT EXPECTED-STATUS COMMAND…: the command's output has the text and its exit status is the one expected
    local name=$1 text=$2 status=$3 output actual
    shift 3
    output=$("$@" 2>&1)
    actual=$?
    if [ "$actual" -eq "$status" ] && grep -qF -- "$text" <<<"$output"; then
        echo "passed: $name"
    else
        echo "failed: $name (exit status $actual, expected $status with \"$text\")"
        sed 's/^/    /' <<<"$output"
        failures=$((failures + 1))
    fi
}

# As it is done to publish, from a repository that has a remote on the web; the repository at hand need not have one.
mkdir -p "$work/settings/git"
printf '[remote "published"]\n    url = %s\n' "$remote" >"$work/settings/git/config"
for project in Diffusion Diffusion.Imaging; do
    check "pack $project" "$project.$version.nupkg" 0 \
        env CI=true XDG_CONFIG_HOME="$work/settings" dotnet pack "$repository/src/$project" -c Release -o "$work/feed" \
        -p:PackageVersion="$version" -p:GitRepositoryRemoteName=published -p:GitRepositoryConfigurationScope=
done
[ "$failures" -eq 0 ] || exit 1

look_at_packages() {
    dotnet new console -o "$work/PackageCheck" >/dev/null || return 1
    cp "$repository/eng/PackageCheck/Program.cs" "$work/PackageCheck/Program.cs"
    dotnet run --project "$work/PackageCheck" -- "$work/feed" "$version" "$repository" "$remote" 2>&1
}

echo "The packages:"
look_at_packages || failures=$((failures + 1))
program_of_readme() { diff <(sed -n '/^```csharp$/,/^```$/p' "$repository/src/Diffusion/README.md" | sed '1d;$d') "$repository/eng/Consumer/Program.cs" && echo same; }
check "the readme shows the program that is run here" "same" 0 program_of_readme

# Our packages are unpacked into a folder of their own; everything else is taken from the usual cache where it is there already.
cache=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: *//')
export NUGET_PACKAGES="$work/packages"
mkdir -p "$cache"
cat >"$work/nuget.config" <<XML
<configuration>
  <packageSources><add key="local" value="$work/feed" /></packageSources>
  <fallbackPackageFolders><add key="cache" value="${cache%/}" /></fallbackPackageFolders>
</configuration>
XML
# Half a gigabyte of libtorch for each platform, four times over: link it where the file system can.
export CreateHardLinksForCopyLocalIfPossible=true CreateHardLinksForPublishFilesIfPossible=true

new_application() { # new_application NAME PROGRAM PACKAGE…: a console application of that program with the packages
    local folder="$work/$1" program=$2 package
    shift 2
    dotnet new console -o "$folder" >/dev/null || return 1
    cp "$repository/eng/Consumer/$program" "$folder/Program.cs"
    for package in "$@"; do
        (cd "$folder" && dotnet add package "${package%@*}" --version "${package#*@}") || return 1
    done
}

count_refusals() {
    local output advice="dotnet add package TorchSharp-cpu --version $torchsharp"
    output=$(dotnet run -c Release --project "$work/Bare") || return 1
    echo "$output"
    echo "$(grep -cF "refused: No libtorch was found" <<<"$output") times: $(grep -oF "$advice" <<<"$output" | sort -u)"
}

run_here() { # run_here COMMAND…: in a new folder, where the program must have left its model and its picture
    local folder
    folder=$(mktemp -d "$work/run.XXXXXX")
    (cd "$folder" && "$@" && test -s model/model.json && test "$(head -c 4 stars.png | tail -c 3)" = PNG)
}

trained="after 20 steps: 4 × 3 × 16 × 16"
check "new application without a backend" "Diffusion.Imaging" 0 new_application Bare Refusals.cs "Diffusion.Imaging@$version"
check "refused without a backend" "6 times: dotnet add package TorchSharp-cpu --version $torchsharp" 0 count_refusals

check "new application" "Diffusion.Imaging" 0 new_application App Program.cs "Diffusion.Imaging@$version" "TorchSharp-cpu@$torchsharp"
check "dotnet run" "$trained" 0 run_here dotnet run -c Release --project "$work/App"
check "publish, portable" "portable" 0 dotnet publish "$work/App" -c Release -o "$work/portable"
check "run, portable" "$trained" 0 run_here dotnet "$work/portable/App.dll"
rm -rf "$work/portable" "$work/App/bin"
if [ "$(uname -sm)" = "Linux x86_64" ]; then
    check "publish, self-contained" "self" 0 dotnet publish "$work/App" -c Release -r linux-x64 --self-contained -o "$work/self"
    check "run, self-contained" "$trained" 0 run_here env DOTNET_ROOT=/nonexistent "$work/self/App"
    cp "$repository/eng/Consumer/Program.cs" "$work/Bare/Program.cs"
    check "build without a backend" "Bare.dll" 0 dotnet build "$work/Bare" -c Release
    check "libtorch from elsewhere" "$trained" 0 run_here env LD_LIBRARY_PATH="$work/self" dotnet "$work/Bare/bin/Release/net10.0/Bare.dll"
fi

[ "$failures" -eq 0 ]
