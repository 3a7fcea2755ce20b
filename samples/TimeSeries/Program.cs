// Time series: curves of two days by weekday, drawn from noise, and a day forecast from the one before by inpainting.
using System.CommandLine;
using TimeSeries;
using static TorchSharp.torch;

var steps = new Option<long>("--steps") { Description = "Steps of training.", DefaultValueFactory = _ => 5000 };
var curves = new Option<int>("--curves") { Description = "Curves to train on, and half as many to compare with.", DefaultValueFactory = _ => 8400 };
var ways = new Option<int>("--ways") { Description = "Ways to go on for each forecast.", DefaultValueFactory = _ => 40 };
var output = new Option<string>("--out") { Description = "Where to write.", DefaultValueFactory = _ => "out/time-series" };
var root = new RootCommand("Learns curves of two days, draws new ones, and forecasts the second day from the first: a minute on two cores.") { steps, curves, ways, output };
root.SetAction((parsed, cancellation) =>
{
    try
    {
        Run(parsed.GetValue(steps), parsed.GetValue(curves), parsed.GetValue(ways), Directory.CreateDirectory(parsed.GetValue(output)!).FullName, cancellation);
        return Task.FromResult(0);
    }
    catch (Exception error) when (error is ArgumentException or IOException or InvalidOperationException or UnauthorizedAccessException or OperationCanceledException)
    {
        Console.Error.WriteLine($"TimeSeries: {error.Message}");
        return Task.FromResult(1);
    }
});
return root.Parse(args).Invoke();

static void Run(long steps, int count, int ways, string folder, CancellationToken cancellation)
{
    ArgumentOutOfRangeException.ThrowIfLessThan(count, 56, "--curves");
    ArgumentOutOfRangeException.ThrowIfLessThan(ways, 2, "--ways");
    using var scope = NewDisposeScope();
    var (train, real, others) = (LoadCurves.Draw(count, seed: 1), LoadCurves.Draw(count / 14 * 7, seed: 2), LoadCurves.Draw(count / 14 * 7, seed: 3));
    using var model = new CurveModel();
    model.Train(train.Curves, train.Weekdays, steps, cancellation);

    var drawn = model.Draw(real.Weekdays, seed: 2, cancellation);
    Console.WriteLine(CurveFigures.Compare(drawn, real.Curves, others.Curves, real.Weekdays));
    Pictures.Curves(real.Curves, drawn, real.Weekdays, Path.Combine(folder, "curves.png"));

    var asked = Math.Min(35, count / 14 * 7);
    using var forecast = new Forecast(model, real.Curves[..asked], real.Weekdays[..asked], ways, cancellation);
    Console.WriteLine();
    Console.WriteLine(forecast.Figures(train));
    forecast.Draw(Path.Combine(folder, "forecast.png"), [1, 4, 5, 6]);
    Console.WriteLine($"Pictures: {Path.Combine(folder, "curves.png")}, {Path.Combine(folder, "forecast.png")}");
}
