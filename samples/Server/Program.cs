// One model serves pictures over HTTP: GET /generate?class=star&count=4&steps=20&seed=7 answers with a PNG, GET /health with figures.
// "load" starts the same server on a free port of this machine, lets clients loose on it and says whether it held.
using System.CommandLine;
using Server;

var folder = new Option<string?>("--model") { Description = "A model folder, as samples/TrainImages writes it; without it a small model of drawn shapes is trained first." };
var train = new Option<double>("--train") { Description = "Seconds of that training; 0 serves an untrained model.", DefaultValueFactory = _ => 60 };
var url = new Option<string>("--url") { Description = "Where to listen.", DefaultValueFactory = _ => "http://127.0.0.1:5080" };
var workers = new Option<int>("--workers") { Description = "Pictures that are drawn at the same time.", DefaultValueFactory = _ => Math.Max(1, Environment.ProcessorCount / 2) };
var queue = new Option<int>("--queue") { Description = "Requests that may wait; one more is told to come back later (429).", DefaultValueFactory = _ => 16 };
var maxCount = new Option<int>("--max-count") { Description = "The most pictures of a request.", DefaultValueFactory = _ => 16 };
var maxSteps = new Option<int>("--max-steps") { Description = "The most steps of a request.", DefaultValueFactory = _ => 100 };

ServerSettings Settings(ParseResult parsed) => new(parsed.GetValue(workers), parsed.GetValue(queue), parsed.GetValue(maxCount), parsed.GetValue(maxSteps));

var root = new RootCommand("Serves pictures of one model over HTTP, until Ctrl-C.") { folder, train, url, workers, queue, maxCount, maxSteps };
root.SetAction((parsed, cancellation) => Guarded(async () =>
{
    using var model = SmallModel.LoadOrTrain(parsed.GetValue(folder), parsed.GetValue(train), cancellation);
    await using var app = GenerationServer.Build(model, Settings(parsed), parsed.GetValue(url)!);
    await app.RunAsync(cancellation); // until Ctrl-C or SIGTERM; what was asked for before that is still answered
    return 0;
}));

var seconds = new Option<double>("--seconds") { Description = "Seconds of load.", DefaultValueFactory = _ => 30 };
var clients = new Option<int>("--clients") { Description = "Clients at the same time; every fourth goes away before it has its answer.", DefaultValueFactory = _ => 12 };
var load = new Command("load", "Clients on loopback: no answer but pictures and 429, the same bytes for the same seed, and no memory left behind.") { seconds, clients, folder, workers, queue };
load.SetAction((parsed, cancellation) => Guarded(async () =>
{
    using var model = SmallModel.LoadOrTrain(parsed.GetValue(folder), seconds: 0, cancellation);
    var settings = new ServerSettings(parsed.GetValue(workers), parsed.GetValue(queue), MaxCount: 16, MaxSteps: 500);
    return await new LoadRun(model, settings, parsed.GetValue(clients), TimeSpan.FromSeconds(parsed.GetValue(seconds))).RunAsync(cancellation) ? 0 : 1;
}));
root.Add(load);
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(40) }); // longer than the web server takes to let its requests finish

static async Task<int> Guarded(Func<Task<int>> run)
{
    try
    {
        return await run();
    }
    catch (Exception error) when (error is ArgumentException or FormatException or IOException or InvalidDataException or InvalidOperationException or UnauthorizedAccessException or OperationCanceledException)
    {
        Console.Error.WriteLine($"Server: {error.Message}");
        return 1;
    }
}
