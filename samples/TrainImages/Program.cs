// Trains a class-conditional image model and shows what it has learned. Without arguments: on drawn shapes, about three minutes on two
// cores; then look at the pictures under out/. With --data: on your own images.
using System.CommandLine;
using TrainImages;

var data = new Option<string?>("--data") { Description = "A folder of PNG, JPEG or WebP files (one subfolder a class), or an IDX image file (MNIST family, gzip or plain; labels are found beside it). Drawn shapes if not given." };
var minutes = new Option<double?>("--minutes") { Description = "How long to train. 3 if neither minutes nor steps are given." };
var steps = new Option<long?>("--steps") { Description = "How many steps to train, instead of minutes." };
var size = new Option<int>("--size") { Description = "Height and width in pixels of folder images and shapes; a multiple of 4.", DefaultValueFactory = _ => 32 };
var batch = new Option<int>("--batch") { Description = "Images a step.", DefaultValueFactory = _ => 32 };
var width = new Option<int>("--width") { Description = "Channels of the network at full size, a multiple of 8: 16 gives under a million parameters.", DefaultValueFactory = _ => 16 };
var rate = new Option<double>("--rate") { Description = "Highest learning rate.", DefaultValueFactory = _ => 2e-3 };
var schedule = new Option<string>("--schedule") { Description = "How data turns into noise.", DefaultValueFactory = _ => "rectified-flow" };
schedule.AcceptOnlyFromAmong([.. Choices.Schedules.Keys]);
var parameterization = new Option<string?>("--parameterization") { Description = "What the network predicts; velocity for rectified flow, else v." };
parameterization.AcceptOnlyFromAmong([.. Choices.Parameterizations.Keys]);
var device = new Option<string>("--device") { Description = "cpu, cuda or cuda:N.", DefaultValueFactory = _ => "cpu" };
var seed = new Option<long>("--seed") { Description = "Decides weights, noise and the order of the data.", DefaultValueFactory = _ => 0 };
var output = new Option<string?>("--out") { Description = "Where to write; a new folder under out/ if not given." };
var resume = new Option<string?>("--resume") { Description = "Go on with the run in this folder; give the other options as before." };
var measure = new Option<bool>("--measure") { Description = "Afterwards, train a classifier on unseen data and say how many guided samples it recognises." };

var root = new RootCommand("""
    Trains a diffusion model on images and draws samples, the loss curve and the denoising as pictures.

    Examples:
      dotnet run -c Release --project samples/TrainImages
      dotnet run -c Release --project samples/TrainImages -- --data photos --size 64 --minutes 60 --device cuda
      dotnet run -c Release --project samples/TrainImages -- --data train-images-idx3-ubyte.gz --minutes 10
      dotnet run -c Release --project samples/TrainImages -- --resume out/shapes --minutes 5
      dotnet run -c Release --project samples/TrainImages -- --schedule cosine --parameterization epsilon
    """) { data, minutes, steps, size, batch, width, rate, schedule, parameterization, device, seed, output, resume, measure };

root.SetAction((parsed, cancellation) =>
{
    if (parsed.GetValue(minutes) is not null && parsed.GetValue(steps) is not null) return Task.FromResult(Fail("Give --minutes or --steps, not both."));
    var job = new TrainingJob
    {
        Data = parsed.GetValue(data),
        Minutes = parsed.GetValue(minutes) ?? (parsed.GetValue(steps) is null ? 3 : null),
        Steps = parsed.GetValue(steps),
        Size = parsed.GetValue(size),
        Batch = parsed.GetValue(batch),
        Width = parsed.GetValue(width),
        Rate = parsed.GetValue(rate),
        Schedule = parsed.GetValue(schedule)!,
        Parameterization = parsed.GetValue(parameterization),
        Device = parsed.GetValue(device)!,
        Seed = parsed.GetValue(seed),
        Folder = parsed.GetValue(resume) ?? parsed.GetValue(output),
        Resume = parsed.GetValue(resume) is not null,
        Measure = parsed.GetValue(measure),
    };
    try
    {
        return Task.FromResult(job.Run(cancellation));
    }
    catch (Exception error) when (error is ArgumentException or IOException or InvalidDataException or InvalidOperationException or UnauthorizedAccessException or Diffusion.Training.TrainingDivergedException)
    {
        return Task.FromResult(Fail(error.Message));
    }
});
// Ctrl-C must leave time for the step and the checkpoint; a run ends within seconds.
return root.Parse(args).Invoke(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(5) });

static int Fail(string message)
{
    Console.Error.WriteLine($"TrainImages: {message}");
    return 1;
}
