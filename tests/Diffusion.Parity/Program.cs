using Diffusion.Parity;

// dotnet run -c Release --project tests/Diffusion.Parity -- DIR [--require-all]
// Replays every recorded case below DIR. Exit 0: all passed; 1: one failed (or, with --require-all, is unsupported); 2: nothing to replay.
var requireAll = args.Contains("--require-all");
var folders = args.Where(arg => arg != "--require-all").ToArray();
if (folders is not [var folder] || folder.StartsWith('-'))
{
    Console.Error.WriteLine("usage: Diffusion.Parity DIR [--require-all]");
    return 2;
}

if (!Directory.Exists(folder))
{
    Console.Error.WriteLine($"There is no folder '{folder}'.");
    return 2;
}

return Replay.Run(folder, requireAll, Console.Out);
