// What eng/consume.sh builds against the packages: public API only, as an application would write it.
using Diffusion;
using Diffusion.Checkpoints;
using Diffusion.Data;
using Diffusion.Imaging;
using Diffusion.Networks;
using Diffusion.Pipelines;
using Diffusion.Schedules;
using Diffusion.Training;
using TorchSharp;
using static TorchSharp.torch;

// Each way in must refuse by itself to go on without libtorch, and must not spoil the next.
Func<object>[] waysIn =
[
    () => new Halver(),
    () => NoiseSource.FromSeed(1),
    () => NoiseSource.PerSample(1, 2),
    () => Conditioning.ForClasses([1]),
    () => new ShapesDataSet(size: 16).Get(0),
    () => Chart().Render(),
];
foreach (Func<object> wayIn in waysIn)
{
    try
    {
        wayIn();
    }
    catch (InvalidOperationException e)
    {
        Console.WriteLine($"refused: {e.Message}");
    }
}

if (args is ["refused"])
{
    return;
}

string folder = Path.Combine(AppContext.BaseDirectory, "model");
string picture = Path.Combine(AppContext.BaseDirectory, "samples.png");
// Train on drawn shapes, save, load, sample, and write a picture.
RectifiedFlowSchedule schedule = new();
Parameterization velocity = Parameterization.Velocity();
using (ShapesDataSet shapes = new(size: 16))
using (DataLoader loader = new(shapes, batchSize: 8))
using (UNet network = new(UNetPresets.ForImages(3, 16, classes: 10, width: 8)))
using (TrainingRun run = new(network, new DenoisingObjective(schedule, velocity) { ConditionDropout = 0.1 }, loader,
    new TrainingSettings { Steps = 5, Condition = TrainingSettings.ForClasses(10) }))
{
    run.Train();
    run.Averages[0].CopyTo(network);
    using DiffusionModel trained = new(network, new ModelDescription(schedule, velocity, 3, 16, 16) { ClassNames = shapes.ClassNames!, NullClass = 10, DataRange = 1 });
    trained.Save(folder);
}

using DiffusionModel model = DiffusionModel.Load(folder);
using Tensor images = model.Sample(count: 4, label: 3, seed: 1, steps: 3);
using Tensor sheet = ImageGrid.Make(images);
ImageFile.Write(sheet, picture);
Console.WriteLine($"consumed: {string.Join("×", images.shape)}, {new FileInfo(picture).Length > 0}");

static LineChart Chart()
{
    LineChart chart = new();
    chart.Add("", [0, 1], [0, 1]);
    return chart;
}

internal sealed class Halver() : DenoisingNetwork("halver")
{
    public override Tensor forward(Tensor x, Tensor label, Conditioning? condition) => x / 2;
}
